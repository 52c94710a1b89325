package httpapi

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"

	"doorstep/auth"
	"doorstep/geo/basemap"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// tilesPath is the template of the tiles' path.
const tilesPath = "/tiles/{hash}/{z}/{x}/{y}"

// mapUsers draw cases and routes on the map. Lenders and auditors have lists.
var mapUsers = []auth.Role{auth.RoleAdmin, auth.RoleSupervisor, auth.RoleAgent}

// mapEndpoints serves the map that lies under stops and territories. Tiles show what OpenStreetMap shows and nothing of
// a case, so that whoever knows the map's hash may read them: a renderer asks for them without a token. But which tiles
// are asked for tells where people live. No log, metric or trail has their coordinates, no referrer is sent, and no
// cache that others share may keep them.
func (a *API) mapEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/map", roles: mapUsers, id: "getMap", tag: "map",
		summary: "The map that lies under stops and territories",
		about: "Without a map (serve --map FILE) available is false, and everything else works: clients draw on plain " +
			"ground."}, a.getMap)
	a.raw(endpoint{method: http.MethodGet, path: "/v1/map/style", roles: mapUsers, id: "getMapStyle", tag: "map",
		summary: "A style that draws the map (MapLibre GL 6)",
		about: "It is whole: its one source is the tiles of this server. Labels need no glyph files; a page may add " +
			"font-faces of a font named Doorstep, or labels are drawn in the system's font. Without a map it is plain ground."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters,
				query("theme", "light when absent.", &huma.Schema{Type: "string", Enum: themes()}, false),
				query("language", "A language (BCP 47) such as pt or zh-Hans, for what is called otherwise in it. When absent, "+
					"everything has the name that it has there.", &huma.Schema{Type: "string", MaxLength: ptr(12)}, false))
			op.Responses = map[string]*huma.Response{"200": answer("The style.", "application/json",
				&huma.Schema{Type: "object", AdditionalProperties: true,
					Extensions: map[string]any{openReason: "the style specification of MapLibre says what it holds"}})}
		}, a.getMapStyle)
	a.raw(endpoint{method: http.MethodGet, path: tilesPath, roles: anyone, id: "getTile", tag: "map",
		summary: "A tile of the map (Mapbox Vector Tile 2)",
		about: "y counts from the north. A tile of a hash never changes, so clients keep it. Where the map is empty the " +
			"answer is 204. Of another hash than that of GET /v1/map there is none."},
		func(op *huma.Operation) {
			for _, name := range []string{"hash", "z", "x", "y"} {
				schema := &huma.Schema{Type: "integer"}
				if name == "hash" {
					schema = str()
				}
				op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: schema})
			}
			op.Responses = map[string]*huma.Response{"200": answer("The tile.", tileType,
				&huma.Schema{Type: "string", Format: "binary"}), "204": {Description: "The map is empty there."}}
		}, a.getTile)
}

const tileType = "application/vnd.mapbox-vector-tile"

func themes() (out []any) {
	for _, t := range basemap.Themes() {
		out = append(out, t)
	}
	return out
}

// mapAnswer says which map a client can draw.
type mapAnswer struct {
	Available   bool      `json:"available" doc:"Whether there is a map. If not, the other members are absent."`
	Name        string    `json:"name,omitempty" doc:"What the map is called."`
	Hash        string    `json:"hash,omitempty" doc:"Of the map's content: another map has another one."`
	Tiles       string    `json:"tiles,omitempty" doc:"The address of its tiles on this server: put in z, x and y."`
	Bounds      []float64 `json:"bounds,omitempty" doc:"West, south, east and north in degrees: there is no tile elsewhere."`
	MinZoom     int       `json:"minzoom,omitempty" doc:"The first zoom that has tiles."`
	MaxZoom     int       `json:"maxzoom,omitempty" doc:"The last zoom that has tiles; enlarge them for closer views."`
	Attribution string    `json:"attribution,omitempty" doc:"Plain text that must be shown with the map."`
}

// tilesOf is the address of a map's tiles.
func tilesOf(info basemap.Info) string { return strings.Replace(tilesPath, "{hash}", info.Hash, 1) }

func (a *API) getMap(context.Context, call, *struct{}) (*body[mapAnswer], error) {
	if a.opt.Map == nil {
		return respond(mapAnswer{}), nil
	}
	info := a.opt.Map.Info()
	return respond(mapAnswer{Available: true, Name: info.Name, Hash: info.Hash, Tiles: tilesOf(info),
		Bounds: info.Bounds[:], MinZoom: info.MinZoom, MaxZoom: info.MaxZoom, Attribution: info.Attribution}), nil
}

func (a *API) getMapStyle(c *gin.Context) {
	ask := basemap.StyleAsk{Theme: c.Query("theme"), Language: c.Query("language")}
	var info *basemap.Info
	if a.opt.Map != nil {
		is := a.opt.Map.Info()
		info, ask.Tiles = &is, tilesOf(is)
	}
	style, err := basemap.Style(info, ask)
	if err != nil {
		a.fail(c, err)
		return
	}
	c.Data(http.StatusOK, "application/json", style)
}

// getTile answers with a tile as it is stored. An empty place is 204, since browsers print an error for each 404.
func (a *API) getTile(c *gin.Context) {
	place, ok := tilePlace(c.Param("z"), c.Param("x"), c.Param("y"))
	if a.opt.Map == nil || !ok ||
		subtle.ConstantTimeCompare([]byte(c.Param("hash")), []byte(a.opt.Map.Info().Hash)) == 0 {
		writeProblem(c, newProblem(http.StatusNotFound, "map.not_found",
			"there is no such tile: its map is another one, or its numbers are no tile's; see GET /v1/map"))
		return
	}
	data, packed, err := a.opt.Map.Tile(c.Request.Context(), place.z, place.x, place.y)
	if err == nil && packed && !takes(c.GetHeader("Accept-Encoding"), "gzip") {
		data, err = basemap.Unpack(data)
		packed = false
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	c.Header("Cache-Control", "private, max-age=31536000, immutable")
	c.Header("Vary", "Accept-Encoding")
	if len(data) == 0 {
		c.Status(http.StatusNoContent)
		return
	}
	if packed {
		c.Header("Content-Encoding", "gzip")
	}
	c.Data(http.StatusOK, tileType, data)
}

// tileAt is the place of a tile.
type tileAt struct{ z, x, y int }

// mostTileZoom is the highest zoom of a tile that may be asked for.
const mostTileZoom = 22

// tilePlace reads the numbers of a tile. ok is false for those that no tile has, and for other ways to write a number.
func tilePlace(z, x, y string) (at tileAt, ok bool) {
	for _, part := range []struct {
		text string
		to   *int
	}{{z, &at.z}, {x, &at.x}, {y, &at.y}} {
		n, err := strconv.Atoi(part.text)
		if err != nil || n < 0 || strconv.Itoa(n) != part.text {
			return at, false
		}
		*part.to = n
	}
	return at, at.z <= mostTileZoom && at.x < 1<<at.z && at.y < 1<<at.z
}

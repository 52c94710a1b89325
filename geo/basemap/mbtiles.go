package basemap

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// Attribution is what a map made of OpenStreetMap data must say on its face.
const Attribution = "© OpenStreetMap contributors"

// Info says what a map is.
type Info struct {
	// Name is the name of the map, from its file.
	Name string
	// Hash is of the content: another file of the same bytes has the same. It is 32 characters of 0-9 and a-f.
	Hash string
	// Bounds are west, south, east and north in degrees.
	Bounds [4]float64
	// MinZoom and MaxZoom are the zooms that it has tiles of.
	MinZoom, MaxZoom int
	// Attribution must be shown with the map. It is plain text.
	Attribution string
	// Layers are the layers of its tiles.
	Layers []string
	// Tiles is how many tiles it has, and Bytes is the size of its file.
	Tiles int
	Bytes int64
}

// Map is an open file of tiles. Its methods can be called at the same time.
type Map struct {
	info Info
	db   *sql.DB
	tile *sql.Stmt
}

// mostZoom is the highest zoom at which a map may have tiles.
const mostZoom = 22

// needed are the layers that a tile set must have for the style to draw a map that is of use.
var needed = []string{layerNames[streets], layerNames[land]}

// Open opens a file that Prepare wrote, or any MBTiles file of vector tiles with the layers of Shortbread. It reads the
// file once as a whole for its hash. A file must be replaced by renaming another to its name, never by writing into it.
// The error is a *refusal.Error with CodeFile.
func Open(ctx context.Context, path string) (_ *Map, err error) {
	name := filepath.Base(path)
	info := Info{Name: name}
	if info.Hash, info.Bytes, err = hashFile(path); err != nil {
		return nil, err
	}
	db, err := openSQLite(path, "mode=ro&immutable=1")
	if err != nil {
		return nil, fault(CodeFile, err, "open the map %s", name)
	}
	m := &Map{db: db, info: info}
	defer func() {
		if err != nil {
			_ = db.Close()
		}
	}()
	db.SetMaxOpenConns(4)
	about, err := m.metadata(ctx)
	if err != nil {
		return nil, fault(CodeFile, err, "%s is not a whole MBTiles file: prepare it again, doorstep map prepare "+
			"EXTRACT.osm.pbf", name)
	}
	if err := m.take(about); err != nil {
		return nil, fault(CodeFile, nil, "%s %s", name, err)
	}
	const count = "SELECT count(*) FROM tiles"
	if err := db.QueryRowContext(ctx, count).Scan(&m.info.Tiles); err != nil {
		return nil, fault(CodeFile, err, "%s has no readable table of tiles", name)
	}
	if m.info.Tiles == 0 {
		return nil, fault(CodeFile, nil, "%s has no tiles", name)
	}
	const one = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
	if m.tile, err = db.PrepareContext(ctx, one); err != nil {
		return nil, fault(CodeFile, err, "%s has no readable table of tiles", name)
	}
	return m, nil
}

func openSQLite(path, options string) (*sql.DB, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: whole, RawQuery: options}).String())
}

// hashFile hashes a file, which must be a database.
func hashFile(path string) (hash string, size int64, err error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		return "", 0, fault(CodeFile, err, "open the map")
	}
	defer f.Close()
	start := make([]byte, 16)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", 0, fault(CodeFile, err, "read the map %s", name)
	}
	switch {
	case n == 0:
		return "", 0, fault(CodeFile, nil, "%s is empty", name)
	case bytes.HasPrefix(start, []byte("PMTiles")):
		return "", 0, fault(CodeFile, nil, "%s is in the format PMTiles, not MBTiles: convert it, or prepare a map with "+
			"doorstep map prepare EXTRACT.osm.pbf", name)
	case !bytes.Equal(start, []byte("SQLite format 3\x00")):
		return "", 0, fault(CodeFile, nil, "%s is not an MBTiles file: make one with doorstep map prepare EXTRACT.osm.pbf",
			name)
	}
	sum := sha256.New()
	sum.Write(start)
	rest, err := io.Copy(sum, f)
	if err != nil {
		return "", 0, fault(CodeFile, err, "read the map %s", name)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), int64(n) + rest, nil
}

func (m *Map) metadata(ctx context.Context) (map[string]string, error) {
	rows, err := m.db.QueryContext(ctx, "SELECT name, value FROM metadata")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	about := map[string]string{}
	for rows.Next() {
		var name, value sql.NullString
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		about[name.String] = value.String
	}
	return about, rows.Err()
}

// take reads the metadata. The error continues a sentence that begins with the file's name.
func (m *Map) take(about map[string]string) error {
	switch format := about["format"]; format {
	case "pbf":
	case "png", "jpg", "jpeg", "webp":
		return fmt.Errorf("has raster tiles (%s), which the style cannot draw: use vector tiles of the schema Shortbread, "+
			"for instance from doorstep map prepare EXTRACT.osm.pbf", format)
	default:
		return errors.New("does not say that its tiles are vector tiles (format pbf in its metadata)")
	}
	if c := about["compression"]; c != "" && c != "gzip" && c != "none" {
		return fmt.Errorf("has tiles compressed by %.20q: use gzip", c)
	}
	var schema struct {
		Layers []struct {
			ID string `json:"id"`
		} `json:"vector_layers"`
	}
	if err := json.Unmarshal([]byte(about["json"]), &schema); err != nil || len(schema.Layers) == 0 {
		return errors.New("does not name its layers (json in its metadata): it is not whole, or no set of vector tiles")
	}
	for _, l := range schema.Layers {
		m.info.Layers = append(m.info.Layers, l.ID)
	}
	for _, l := range needed {
		if !slices.Contains(m.info.Layers, l) {
			return fmt.Errorf("has no layer %s, so it is of another schema than Shortbread, which the style draws: "+
				"use doorstep map prepare EXTRACT.osm.pbf, or a tile set of that schema", l)
		}
	}
	var err error
	if m.info.MinZoom, m.info.MaxZoom, err = zooms(about); err != nil {
		return err
	}
	if m.info.Bounds, err = parseBounds(about["bounds"]); err != nil {
		return err
	}
	if about["name"] != "" {
		m.info.Name = plain(about["name"])
	}
	m.info.Attribution = plain(about["attribution"])
	if m.info.Attribution == "" {
		m.info.Attribution = Attribution
	}
	return nil
}

func zooms(about map[string]string) (low, high int, err error) {
	low, err = strconv.Atoi(about["minzoom"])
	high, err2 := strconv.Atoi(about["maxzoom"])
	if err != nil || err2 != nil || low < 0 || high < low || high > mostZoom {
		return 0, 0, errors.New("does not say for which zooms it has tiles (minzoom and maxzoom in its metadata)")
	}
	return low, high, nil
}

func parseBounds(text string) (box [4]float64, err error) {
	parts := strings.Split(text, ",")
	for i := range box {
		if len(parts) != 4 {
			err = errors.New("not four numbers")
			break
		}
		if box[i], err = strconv.ParseFloat(strings.TrimSpace(parts[i]), 64); err != nil {
			break
		}
	}
	if err != nil || !(-180 <= box[0] && box[0] < box[2] && box[2] <= 180 && -90 <= box[1] && box[1] < box[3] &&
		box[3] <= 90) {
		return box, errors.New("does not say which area it covers (bounds in its metadata)")
	}
	return box, nil
}

// markup is what stands between angle brackets in an attribution.
var markup = regexp.MustCompile(`<[^<>]*>`)

// plain makes plain text of an attribution, which may be HTML: a browser would run what a file brings along.
func plain(text string) string {
	text = html.UnescapeString(markup.ReplaceAllString(text, ""))
	text = strings.NewReplacer("<", "", ">", "").Replace(text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200])
	}
	return text
}

// Info says what the map is.
func (m *Map) Info() Info {
	info := m.info
	info.Layers = slices.Clone(info.Layers)
	return info
}

// Tile returns a tile as it is stored, with y counted from the north; packed says that it is compressed by gzip. It is
// nil where the map has none, also at zooms and places that no map has.
func (m *Map) Tile(ctx context.Context, z, x, y int) (data []byte, packed bool, err error) {
	if z < m.info.MinZoom || z > m.info.MaxZoom || x < 0 || y < 0 || x >= 1<<z || y >= 1<<z {
		return nil, false, nil
	}
	err = m.tile.QueryRowContext(ctx, z, x, 1<<z-1-y).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read a tile: %w", err)
	}
	return data, bytes.HasPrefix(data, []byte{0x1f, 0x8b}), nil
}

// mostUnpacked bounds what a tile may hold when it is unpacked.
const mostUnpacked = 32 << 20

// Unpack returns the content of a tile that is compressed by gzip.
func Unpack(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpack a tile: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, mostUnpacked+1))
	if err == nil && len(out) > mostUnpacked {
		err = fmt.Errorf("it has more than %d bytes", mostUnpacked)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack a tile: %w", err)
	}
	return out, nil
}

// Close closes the file.
func (m *Map) Close() error {
	var failed error
	if m.tile != nil {
		failed = m.tile.Close()
	}
	return errors.Join(failed, m.db.Close())
}

// about is the metadata of a scene, in the order in which it is written.
func (s *scene) about(name string) [][2]string {
	west, north := degrees(float64(s.box.minX), float64(s.box.minY))
	east, south := degrees(float64(s.box.maxX), float64(s.box.maxY))
	number := func(v float64) string { return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64) }
	type layer struct {
		ID          string            `json:"id"`
		Description string            `json:"description"`
		MinZoom     int               `json:"minzoom"`
		MaxZoom     int               `json:"maxzoom"`
		Fields      map[string]string `json:"fields"`
	}
	layers := make([]layer, layerCount)
	for i := range layers {
		layers[i] = layer{ID: layerNames[i], MinZoom: maxZoom, MaxZoom: maxZoom, Fields: map[string]string{}}
	}
	for _, f := range s.features {
		l := &layers[f.look.layer]
		l.MinZoom = min(l.MinZoom, max(f.look.from, minZoom))
		for field, value := range f.look.props {
			switch value.(type) {
			case bool:
				l.Fields[field] = "Boolean"
			case int:
				l.Fields[field] = "Number"
			default:
				l.Fields[field] = "String"
			}
		}
	}
	schema, err := json.Marshal(map[string]any{"vector_layers": layers})
	if err != nil {
		panic(err) // it has texts and numbers only
	}
	return [][2]string{{"name", name}, {"format", "pbf"},
		{"bounds", strings.Join([]string{number(west), number(south), number(east), number(north)}, ",")},
		{"center", strings.Join([]string{number((west + east) / 2), number((south + north) / 2), "12"}, ",")},
		{"minzoom", strconv.Itoa(minZoom)}, {"maxzoom", strconv.Itoa(maxZoom)}, {"attribution", Attribution},
		{"description", "A subset of the schema Shortbread 1.0, made by Doorstep."}, {"type", "baselayer"},
		{"version", "1"}, {"json", string(schema)}}
}

// writeFile writes a map to a file, whole or not at all. fill calls put for each tile.
func writeFile(ctx context.Context, path string, about [][2]string, fill func(put func(tile) error) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(writeTables(ctx, f.Name(), about, fill), f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// writeTables fills an empty database. It needs no journal, since the file is thrown away when it fails.
func writeTables(ctx context.Context, path string, about [][2]string,
	fill func(put func(tile) error) error) (err error) {
	db, err := openSQLite(path, "_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=page_size(4096)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, statement := range []string{
		"PRAGMA application_id = 0x4d504258", // MBTiles 1.3
		"CREATE TABLE metadata (name text, value text)",
		"CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)",
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	for _, pair := range about {
		if _, err := tx.ExecContext(ctx, "INSERT INTO metadata VALUES (?, ?)", pair[0], pair[1]); err != nil {
			return err
		}
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO tiles VALUES (?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	err = fill(func(t tile) error {
		_, err := insert.ExecContext(ctx, t.z, t.x, 1<<t.z-1-t.y, t.data)
		return err
	})
	if err != nil {
		return err
	}
	const index = "CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row)"
	if _, err := tx.ExecContext(ctx, index); err != nil {
		return err
	}
	return tx.Commit()
}

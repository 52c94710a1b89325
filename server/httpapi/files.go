package httpapi

import (
	"errors"
	"net/http"
	"strconv"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/attachments"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// evidenceReaders read the bytes of attachments; of auditors those of the level regulator.
var evidenceReaders = []auth.Role{auth.RoleAdmin, auth.RoleSupervisor, auth.RoleAuditor}

// fileEndpoints are the uploads of phones, by tus, and what the office reads of them.
func (a *API) fileEndpoints() {
	a.uploadEndpoints()
	binary := &huma.Schema{Type: "string", Format: "binary"}
	attachment := &huma.Param{Name: "attachment", In: "path", Required: true, Schema: text("The id of the attachment.")}
	inCase := &huma.Param{Name: "id", In: "path", Required: true, Schema: text("<lender>.<case_ref>")}
	for _, e := range []struct {
		path, id, summary string
		thumbnail         bool
	}{
		{"/v1/cases/{id}/attachments/{attachment}", "getAttachment", "The bytes of a stored attachment", false},
		{"/v1/cases/{id}/attachments/{attachment}/thumbnail", "getThumbnail", "A stored picture, made small", true},
	} {
		a.raw(endpoint{method: http.MethodGet, path: e.path, roles: evidenceReaders, id: e.id, tag: "cases",
			summary: e.summary, about: "Always a download, which no browser runs. Auditors need the level regulator. Each " +
				"read stands in the access log. 410: the debtor was erased."},
			func(op *huma.Operation) {
				op.Parameters = append(op.Parameters, inCase, attachment)
				op.Responses = map[string]*huma.Response{"200": answer("The bytes, of the media type in the attachment's record.",
					"application/octet-stream", binary)}
			}, func(c *gin.Context) { a.readAttachment(c, e.thumbnail) })
	}
}

func (a *API) uploadEndpoints() {
	header := func(name, about string, required bool) *huma.Param {
		return &huma.Param{Name: name, In: "header", Description: about, Schema: str(), Required: required}
	}
	path := &huma.Param{Name: "attachment", In: "path", Required: true,
		Schema: text("The attachment_id with which the upload was begun.")}
	version := header("Tus-Resumable", "1.0.0", true)
	device := header("X-Device-Id", "The device that signed in.", true)
	empty := func(about string) map[string]*huma.Response {
		return map[string]*huma.Response{"204": {Description: about}}
	}
	const about = "tus 1.0.0 with the extensions creation and termination. "
	a.raw(endpoint{method: http.MethodOptions, path: attachments.Path, roles: anyone, id: "uploadCapabilities",
		tag: "sync", summary: "What is offered of tus"},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer("The headers Tus-Version, Tus-Extension and Tus-Max-Size "+
				"tell it, and the body what attachments may be: their lengths, media types and numbers.", "application/json",
				a.schema(attachments.Limits{}))}
		}, func(c *gin.Context) {
			a.opt.Attachments.Capabilities(c.Writer.Header())
			c.JSON(http.StatusOK, a.opt.Attachments.Limits())
		})
	a.raw(endpoint{method: http.MethodPost, path: attachments.Path, roles: agents, id: "createUpload", tag: "sync",
		summary: "Begin to upload an attachment",
		about: about + "Push the record that names the attachment first. The same attachment_id again gives the same " +
			"Location, with Upload-Offset; for other bytes it is refused (409)."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, device, version, header("Upload-Length", "The number of all bytes.", true),
				header("Upload-Metadata", "attachment_id, sha256 (64 hexadecimal digits), record_type, record_id, filetype (the "+
					"media type) and filename (may be absent): each a name, a space and the value in base64, with commas between.",
					true))
			op.Responses = map[string]*huma.Response{"201": {Description: "Location is the upload; Upload-Offset is how many " +
				"bytes are stored."}}
		}, a.upload)
	a.raw(endpoint{method: http.MethodHead, path: attachments.Path + "{attachment}", roles: agents, id: "headUpload",
		tag: "sync", summary: "How far an upload has come", about: about + "Upload-Offset tells it, and Upload-Metadata " +
			"which bytes it is of."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, device, path)
			op.Responses = map[string]*huma.Response{"200": {Description: "Upload-Offset, Upload-Length, and Upload-Metadata " +
				"without filename."}}
		}, a.upload)
	a.raw(endpoint{method: http.MethodPatch, path: attachments.Path + "{attachment}", roles: agents, id: "sendUpload",
		tag: "sync", summary: "Send bytes of an attachment",
		about: about + "What is acknowledged is durable. With the last byte the whole is checked: 460 where its SHA-256 is " +
			"another one (it is discarded, begin again). A picture is kept without what is hidden in it."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, device, version, path,
				header("Upload-Offset", "How many bytes are stored already.", true))
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/offset+octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
			op.Responses = empty("Upload-Offset is how many bytes are stored now.")
		}, a.upload)
	a.raw(endpoint{method: http.MethodDelete, path: attachments.Path + "{attachment}", roles: agents, id: "deleteUpload",
		tag: "sync", summary: "Give an upload up", about: about + "One whose attachment is stored stays (409)."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, device, version, path)
			op.Responses = empty("It is gone.")
		}, a.upload)
}

// upload answers a request of tus.
func (a *API) upload(c *gin.Context) {
	who, p := a.caller(c)
	if p != nil {
		writeProblem(c, p)
		return
	}
	id := c.Param("attachment")
	if c.FullPath() != attachments.Path && !attachments.IsID(id) {
		writeProblem(c, newProblem(http.StatusNotFound, "upload.not_found", "there is no such upload of yours"))
		return
	}
	if err := a.opt.Attachments.Serve(c.Writer, c.Request, who, id); err != nil {
		a.fail(c, err)
	}
}

// readAttachment sends the bytes of an attachment, or of its small picture.
func (a *API) readAttachment(c *gin.Context, thumbnail bool) {
	ctx := c.Request.Context()
	actor := callOf(ctx).actor
	if actor.Role == auth.RoleAuditor && !actor.Regulator {
		writeProblem(c, newProblem(http.StatusForbidden, "auth.role", "auditors of the level regulator alone read this"))
		return
	}
	of := c.Param("id")
	b, err := a.caseBranch(ctx, actor, of)
	if err != nil {
		a.fail(c, err)
		return
	}
	kept, err := a.opt.Casework.Attachment(ctx, actor, b, journal.CaseID(of), c.Param("attachment"))
	if err != nil {
		a.fail(c, err)
		return
	}
	length, contentType := kept.StoredBytes, kept.StoredType
	if thumbnail {
		if length, contentType = kept.ThumbnailBytes, "image/jpeg"; length == 0 {
			writeProblem(c, newProblem(http.StatusNotFound, "attachment.no_thumbnail", "the attachment is no picture"))
			return
		}
	}
	end := attachments.Extension(contentType)
	if end == "" {
		end, contentType = ".bin", "application/octet-stream" // a type that is not of our table any more
	}
	if err := a.noted(ctx, actor, b, access.Read{What: access.AttachmentRead, Cases: []journal.CaseID{journal.CaseID(of)},
		Record: c.Param("attachment")}); err != nil {
		a.fail(c, err)
		return
	}
	begun := false
	err = a.opt.Attachments.WriteTo(ctx, c.Writer, &kept, thumbnail, func() {
		begun = true
		c.Header("Content-Type", contentType)
		c.Header("Content-Length", strconv.FormatInt(length, 10))
		c.Header("Content-Disposition", `attachment; filename="attachment`+end+`"`)
		c.Header("Content-Security-Policy", "sandbox; default-src 'none'")
		c.Status(http.StatusOK)
	})
	if err == nil {
		return
	}
	if !begun {
		a.fail(c, err)
		return
	}
	a.log.ErrorContext(ctx, "an attachment was cut short", "err", err)
	panic(http.ErrAbortHandler) // so that nobody takes it for whole
}

// ofUpload is an error of the tus protocol as a problem.
func ofUpload(err error) (*Problem, bool) {
	var p *attachments.Protocol
	if !errors.As(err, &p) {
		return nil, false
	}
	out := newProblem(p.Status, p.Code, p.Msg)
	if out.Title == "" {
		out.Title = "Checksum Mismatch" // a status of tus
	}
	return out, true
}

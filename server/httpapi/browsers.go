package httpapi

import (
	"net/http"
)

// cookieName is the name of the cookie that holds a browser's refresh token.
const cookieName = "doorstep_refresh"

// cookiePath is where browsers send it: to sign-in, refresh and sign-out, and nowhere else.
const cookiePath = "/v1/sessions"

// refreshCookie is the cookie that holds a refresh token; that of "" takes it away. It has no age: it ends with the
// browser, since several people may sit at one desk.
//
// It is Secure always: a browser that speaks plain HTTP to another machine does not keep it, and signs in again when
// its access token ends. Browsers take loopback addresses for secure.
func refreshCookie(token string) string {
	c := http.Cookie{Name: cookieName, Value: token, Path: cookiePath, HttpOnly: true, Secure: true,
		SameSite: http.SameSiteStrictMode}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// sameSite tells pages of this site from others, by what browsers say of themselves: Sec-Fetch-Site, else Origin. What
// is no browser says neither, and passes: it has no cookie that it did not choose to send.
var sameSite = http.NewCrossOriginProtection()

// browserOf reads what only browsers send. The cookie alone signs nobody in: requests for data need an access token,
// which pages of other sites cannot read. What a page of another site could do with the cookie is to refresh, or to
// sign a browser in as somebody else. SameSite=Strict keeps the cookie from it, a JSON body needs a preflight that is
// answered to nobody, and crossSite refuses what is left.
func browserOf(r *http.Request) (cookie string, crossSite bool) {
	if c, err := r.Cookie(cookieName); err == nil {
		cookie = c.Value
	}
	return cookie, sameSite.Check(r) != nil
}

func errCrossSite() error {
	return newProblem(http.StatusForbidden, "auth.cross_site",
		"a page of another site asks: browsers sign in, and refresh, from a page of this server alone")
}

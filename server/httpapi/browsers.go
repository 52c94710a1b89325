package httpapi

import (
	"net/http"
	"time"

	"doorstep/auth"
)

// The cookies that hold a browser's refresh token: of a sign-in without a device (the console), and of one with a
// device (the agents' app). One browser may be signed in to both.
const (
	deskCookie  = "doorstep_refresh"
	phoneCookie = "doorstep_phone"
)

// cookiePath is where browsers send them: to sign-in, refresh and sign-out, and nowhere else.
const cookiePath = "/v1/sessions"

// phoneCookieAge is the longest that browsers keep a cookie. When a session ends, the server says.
const phoneCookieAge = 400 * 24 * time.Hour

// refreshCookie is the cookie that holds a refresh token; that of "" takes it away. One of a desk has no age: it ends
// with the browser, since several people may sit at one desk. One of an agent's phone stays when the phone ends the
// app, as phones do at any time: without it a day's work would wait until the agent types a password in the street.
//
// It is Secure always: a browser that speaks plain HTTP to another machine does not keep it, and signs in again when
// its access token ends. Browsers take loopback addresses for secure.
func refreshCookie(token string, device auth.DeviceID) string {
	c := http.Cookie{Name: deskCookie, Value: token, Path: cookiePath, HttpOnly: true, Secure: true,
		SameSite: http.SameSiteStrictMode}
	if device != "" {
		c.Name, c.MaxAge = phoneCookie, int(phoneCookieAge/time.Second)
	}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// browserCookies are the refresh tokens that a browser sent.
type browserCookies struct{ desk, phone string }

// of is the one of a device, or of none.
func (b browserCookies) of(device auth.DeviceID) string {
	if device != "" {
		return b.phone
	}
	return b.desk
}

// sameSite tells pages of this site from others, by what browsers say of themselves: Sec-Fetch-Site, else Origin. What
// is no browser says neither, and passes: it has no cookie that it did not choose to send.
var sameSite = http.NewCrossOriginProtection()

// browserOf reads what only browsers send. The cookie alone signs nobody in: requests for data need an access token,
// which pages of other sites cannot read. What a page of another site could do with the cookie is to refresh, or to
// sign a browser in as somebody else. SameSite=Strict keeps the cookie from it, a JSON body needs a preflight that is
// answered to nobody, and crossSite refuses what is left.
func browserOf(r *http.Request) (cookies browserCookies, crossSite bool) {
	if c, err := r.Cookie(deskCookie); err == nil {
		cookies.desk = c.Value
	}
	if c, err := r.Cookie(phoneCookie); err == nil {
		cookies.phone = c.Value
	}
	return cookies, sameSite.Check(r) != nil
}

func errCrossSite() error {
	return newProblem(http.StatusForbidden, "auth.cross_site",
		"a page of another site asks: browsers sign in, and refresh, from a page of this server alone")
}

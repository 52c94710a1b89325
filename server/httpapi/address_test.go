package httpapi

import (
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestOnlyATrustedProxySaysWhereARequestComesFrom(t *testing.T) {
	prefixes := func(texts ...string) (out []netip.Prefix) {
		for _, p := range texts {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	behind := prefixes("10.0.0.0/8", "2001:db8:9::/48")
	for _, c := range []struct {
		what      string
		trusted   []netip.Prefix
		conn      string
		forwarded []string
		want      string
	}{
		{"no proxy", behind, "192.0.2.1:80", nil, "192.0.2.1"},
		{"a caller who says so", behind, "192.0.2.1:80", []string{"198.51.100.7"}, "192.0.2.1"},
		{"nobody is trusted", nil, "10.0.0.1:80", []string{"198.51.100.7"}, "10.0.0.1"},
		{"a proxy", behind, "10.0.0.1:80", []string{"198.51.100.7"}, "198.51.100.7"},
		{"a proxy that says nothing", behind, "10.0.0.1:80", nil, "10.0.0.1"},
		{"a caller who made up the first", behind, "10.0.0.1:80", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		{"in a line of its own", behind, "10.0.0.1:80", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7"},
		{"two proxies", behind, "10.0.0.1:80", []string{"203.0.113.9, 198.51.100.7 ,10.1.2.3"}, "198.51.100.7"},
		{"a caller within", behind, "10.0.0.1:80", []string{"10.9.9.9"}, "10.9.9.9"},
		{"with a port", behind, "10.0.0.1:80", []string{"198.51.100.7:5443"}, "198.51.100.7"},
		{"no address", behind, "10.0.0.1:80", []string{"198.51.100.7, unknown"}, "10.0.0.1"},
		{"IPv6", behind, "[2001:db8:9::1]:80", []string{"2001:db8:7::8"}, "2001:db8:7::8"},
		{"IPv6 in brackets", behind, "[2001:db8:9::1]:80", []string{"[2001:db8:7::8]"}, "2001:db8:7::8"},
		{"IPv6 with a port", behind, "[2001:db8:9::1]:80", []string{"[2001:db8:7::8]:1"}, "2001:db8:7::8"},
		{"IPv4 in IPv6", behind, "[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
	} {
		a := &API{opt: Options{TrustedProxies: c.trusted}}
		r := httptest.NewRequest("GET", "/livez", nil)
		r.RemoteAddr = c.conn
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		r.Header.Set("X-Real-Ip", "203.0.113.1")
		if got := a.address(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkEmptyPull asks for what is new where nothing is, over one connection.
func BenchmarkEmptyPull(b *testing.B) {
	a := newAgency(b, Config{})
	var asks [][]byte // of as many phones as no limit of a device meets
	for i := range 80 {
		name := fmt.Sprintf("agent%d", i)
		phone := a.agent(name)
		token, err := phone.Token(context.Background())
		ok(b, err)
		var page struct {
			Epoch  string `json:"epoch"`
			Cursor uint64 `json:"cursor"`
		}
		ok(b, phone.Do(a.ctx, http.MethodGet, "/sync/v1/pull?after=0", nil, &page))
		asks = append(asks, fmt.Appendf(nil, "GET /sync/v1/pull?epoch=%s&after=%d HTTP/1.1\r\nHost: doorstep\r\n"+
			"Authorization: Bearer %s\r\nX-Device-Id: phone-of-%s\r\nX-Client-Time: 2026-11-25T08:00:00Z\r\n\r\n",
			page.Epoch, page.Cursor, token, name))
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL(), "http://"))
	ok(b, err)
	defer conn.Close()
	in := bufio.NewReader(conn)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := conn.Write(asks[i%len(asks)]); err != nil {
			b.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		ok(b, err)
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(res.Status, err)
		}
		res.Body.Close()
	}
}

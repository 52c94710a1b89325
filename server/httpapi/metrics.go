package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what an operator watches. Labels hold templates, never paths.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	results  *prometheus.CounterVec
	streams  prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "doorstep_http_requests_total",
			Help: "Requests by endpoint and status."}, []string{"method", "endpoint", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "doorstep_http_request_seconds",
			Help:    "Time to answer, by endpoint.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 30}}, []string{"method", "endpoint"}),
		results: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "doorstep_push_mutations_total",
			Help: "Mutations of phones by outcome."}, []string{"status"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "doorstep_streams", Help: "Streams of pokes that are open."}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.results, m.streams, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) request(method, endpoint string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, endpoint, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(method, endpoint).Observe(took.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

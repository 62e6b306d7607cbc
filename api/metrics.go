package api

import "time"

type Metrics struct{}
type MetricsSource struct{}

func NewMetrics(MetricsSource) *Metrics                                { return nil }
func (m *Metrics) request(x *exchange, status int, took time.Duration) {}
func (m *Metrics) callback(err error)                                  {}

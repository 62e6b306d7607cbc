package api

import "time"

type Metrics struct{}

func (m *Metrics) request(x *exchange, status int, took time.Duration) {}
func (m *Metrics) callback(err error)                                 {}

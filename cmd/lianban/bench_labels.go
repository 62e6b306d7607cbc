package main

import (
	"fmt"
	"time"

	"lianban/delivery"
)

// labels measures a morning's labels in one print (DEL-1107), beside printing
// each by itself, which writes the font anew every time.
func (b *bench) labels() error {
	n, single := 1000, 50
	if b.small {
		n, single = 10, 2
	}
	batch, err := best(3, delivery.BenchLabels(n))
	if err != nil {
		return err
	}
	alone, err := best(single, delivery.BenchLabels(1))
	if err != nil {
		return err
	}
	return b.report(figure{
		Bench: "labels", Case: fmt.Sprintf("%d labels in one print", n), N: n, Value: batch.Seconds(), Unit: "s", Limit: 10,
		Baseline: "one by one", Against: alone.Seconds() * float64(n),
	})
}

// best is the shortest of so many tries.
func best(tries int, do func() ([]byte, error)) (least time.Duration, err error) {
	least = time.Hour
	for range tries {
		took := timed(func() { _, err = do() })
		if err != nil {
			return 0, err
		}
		least = min(least, took)
	}
	return least, nil
}

// Package lianban is the root of the house and holds no code, only the tests
// that keep the house in order: who may import whom, where SQL and the clock may
// be used, and whether the documents say what the code does. The program is
// cmd/lianban.
package lianban

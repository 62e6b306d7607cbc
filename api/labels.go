package api

// labels are the fields of requests in words, by the name on the wire.
var labels = map[string]words{}

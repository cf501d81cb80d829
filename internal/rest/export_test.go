package rest

// The readers of requests, for the fuzz tests.
func ReadChat(body []byte) error     { _, err := readChat(body); return err }
func ReadMessages(body []byte) error { _, err := readMessages(body); return err }

// Depth is what isTooDeep says, Encode what appendString writes.
func TooDeep(body []byte) bool { return isTooDeep(body) }
func Encode(s string) string   { return string(appendString(nil, s)) }

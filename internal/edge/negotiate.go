package edge

import (
	"mime"
	"strconv"
	"strings"
)

// maxAccept bounds how many media ranges of an Accept header are looked at.
const maxAccept = 32

// negotiate returns the media type of the answer, "" when none is acceptable. The
// range with the highest quality wins, at equal quality the GraphQL type.
func negotiate(accept []string) string {
	header := strings.Join(accept, ",")
	if strings.TrimSpace(header) == "" {
		return typeJSON
	}
	best, quality := "", 0.0
	for i, part := range strings.SplitN(header, ",", maxAccept+1) {
		mt, p, err := mime.ParseMediaType(part)
		if i == maxAccept || err != nil || !isUTF8(p["charset"]) {
			continue
		}
		typ, q := offered(mt), qualityOf(p)
		if typ != "" && (q > quality || q == quality && q > 0 && typ == typeGraphQL) {
			best, quality = typ, q
		}
	}
	return best
}

// offered is what we would answer to a media range.
func offered(mt string) string {
	switch mt {
	case typeGraphQL:
		return typeGraphQL
	case typeJSON, "application/*", "*/*":
		return typeJSON
	}
	return ""
}

func qualityOf(p map[string]string) float64 {
	s, given := p["q"]
	if !given {
		return 1
	}
	q, err := strconv.ParseFloat(s, 64)
	if err != nil || q < 0 || q > 1 {
		return 0
	}
	return q
}

func isUTF8(charset string) bool {
	return charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

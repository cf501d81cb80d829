package edge

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxAccept bounds how many media ranges of an Accept header are looked at.
const maxAccept = 32

// negotiate returns the media type of the answer, "" when none is acceptable. The
// range with the highest quality wins, at equal quality the GraphQL type.
func negotiate(accept []string) string {
	if strings.TrimSpace(strings.Join(accept, "")) == "" {
		return typeJSON
	}
	best, quality := "", 0.0
	for _, r := range ranges(accept) {
		typ := offered(r.mediaType)
		if typ != "" && (r.quality > quality || r.quality == quality && r.quality > 0 && typ == typeGraphQL) {
			best, quality = typ, r.quality
		}
	}
	return best
}

// mediaRange is one range of an Accept header.
type mediaRange struct {
	mediaType string
	quality   float64
}

// ranges are the first ranges of an Accept header, without those we cannot read
// or that want another encoding than UTF-8.
func ranges(accept []string) []mediaRange {
	var list []mediaRange
	for i, part := range strings.SplitN(strings.Join(accept, ","), ",", maxAccept+1) {
		mt, p, err := mime.ParseMediaType(part)
		if i < maxAccept && err == nil && isUTF8(p["charset"]) {
			list = append(list, mediaRange{mt, qualityOf(p)})
		}
	}
	return list
}

// acceptsEvents reports whether the request names event streams.
func acceptsEvents(r *http.Request) bool {
	return slices.ContainsFunc(ranges(r.Header.Values("Accept")), func(m mediaRange) bool {
		return m.mediaType == typeEvents && m.quality > 0
	})
}

// acceptsAnswer reports whether the request names a type of plain answers.
func acceptsAnswer(r *http.Request) bool {
	return slices.ContainsFunc(ranges(r.Header.Values("Accept")), func(m mediaRange) bool {
		return (m.mediaType == typeJSON || m.mediaType == typeGraphQL) && m.quality > 0
	})
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

module github.com/kimi-k2/kimi-k2/examples/go-sse

go 1.26

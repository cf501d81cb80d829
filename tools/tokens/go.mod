// Counts the tokens of texts with public vocabularies: what the product's own estimate is
// held against.
module github.com/kimi-k2/kimi-k2/tools/tokens

go 1.26

require github.com/tiktoken-go/tokenizer v0.10.0

require github.com/dlclark/regexp2/v2 v2.5.1 // indirect

package restore

import (
	"fmt"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// refusals say in English why a file is refused, by the reason's name. The page has the same
// sentences in its languages (import-words.ts); names may grow, never change.
var refusals = map[string]string{
	"file_too_large":         "the file is larger than {most} MB",
	"unknown_file":           "this is no export of Kimi K2, ChatGPT or Open WebUI",
	"goes_on":                "the file goes on after its end",
	"no_json":                "the file is damaged: it is no JSON to its end",
	"shape":                  "the file has another shape than such files have",
	"shape_at":               "the file has another shape than such files have, at {place}",
	"part_too_large":         "one part of the file is larger than {most} MB",
	"mixed":                  "the file mixes conversations of several programs",
	"changed":                "the file was changed: data.json is not what manifest.json says",
	"layout":                 "the file has layout {layout}, which this version can't read: it reads layout {known}",
	"said_twice":             "the file says \"{name}\" twice",
	"zip_damaged":            "the ZIP is damaged",
	"zip_list":               "the ZIP is damaged, or lists too many files",
	"zip_endless":            "the ZIP has no end",
	"zip_leads_out":          "the ZIP holds a name that leads out of it",
	"zip_twice":              "the ZIP holds the same name twice",
	"zip_packing":            "the ZIP is packed in a way that can't be read",
	"zip_claims":             "a file in the ZIP says that it has {size} MB: {most} MB are read at most",
	"zip_unpacks":            "the ZIP unpacks to more than {most} MB",
	"zip_ratio":              "a file in the ZIP is packed more than {most} times smaller than it is",
	"conversation_twice":     "the file holds a conversation twice",
	"message_twice":          "the file holds a message twice",
	"message_astray":         "the file holds a message of a conversation that isn't in it",
	"message_answers_none":   "the file holds a message that answers none before it",
	"message_of_nobody":      "the file holds a message of nobody, or a reply to nothing",
	"message_too_long":       "a message in the file is longer than {most} MB",
	"status_unknown":         "the file holds a message with a status that there isn't",
	"status_impossible":      "the file holds a message with a status that it can't have",
	"conversation_too_large": "a conversation in the file has more than {most} parts",
	"conversation_too_long":  "a conversation in the file has more than {most} messages",
	"circle":                 "the file holds messages that answer each other in a circle",
	"too_many_conversations": "there are more than {most} conversations in the file",
	"too_many_messages":      "there are more than {most} messages in the file",
	"too_much_text":          "with this file you would keep more than {most} MB of conversations here: delete some first, or bring a smaller file",
	"no_conversations":       "there are no conversations in the file",
}

// refuse is the refusal of a file for a reason; what is said in its words comes in pairs of
// name and value.
func refuse(reason string, values ...any) *fault.Fault {
	words := refusals[reason]
	filled := map[string]string{}
	for i := 0; i+1 < len(values); i += 2 {
		key, value := fmt.Sprint(values[i]), fmt.Sprint(values[i+1])
		filled[key] = value
		words = strings.ReplaceAll(words, "{"+key+"}", value)
	}
	return fault.On("file", fault.Invalid, "%s", words).Because(reason, filled)
}

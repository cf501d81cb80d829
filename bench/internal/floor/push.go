package floor

import (
	"bytes"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/kimi-k2/kimi-k2/bench/internal/wire"
)

var upgrader = websocket.Upgrader{
	ReadBufferSize: 1024, WriteBufferSize: 1024, WriteBufferPool: &sync.Pool{},
	Subprotocols: []string{"graphql-transport-ws"},
	CheckOrigin:  func(*http.Request) bool { return true },
}

// idleMark in a subscription's document asks Push for a subscription that stays silent.
var idleMark = []byte("viewerEvents")

// Push is raw gorilla/websocket under graphql-transport-ws by string operations
// only: each subscription pushes the frames that a GraphQL server would push, at
// the pace its document orders (wire.Order).
func Push(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	s := &socket{conn: conn}
	for {
		_, m, err := conn.ReadMessage()
		if err != nil {
			return
		}
		switch {
		case bytes.Contains(m, []byte(`"connection_init"`)):
			err = s.write([]byte(`{"type":"connection_ack"}`))
		case bytes.Contains(m, []byte(`"subscribe"`)) && !bytes.Contains(m, idleMark):
			go s.push(id(m), wire.ParseOrder(m, wire.Order{Tokens: 1, Rate: 1}))
		}
		if err != nil {
			return
		}
	}
}

// id is the operation's id in a subscribe message.
func id(m []byte) string {
	_, rest, _ := bytes.Cut(m, []byte(`"id":"`))
	s, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(s)
}

// socket lets several subscriptions write to one connection.
type socket struct {
	mu   sync.Mutex
	conn *websocket.Conn
}

func (s *socket) write(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn.WriteMessage(websocket.TextMessage, b)
}

// push sends the ordered tokens, one frame each, and the completion.
func (s *socket) push(id string, o wire.Order) {
	pacer := wire.NewPacer(time.Now(), o)
	head := `{"id":"` + id + `","type":"next","payload":{"data":{"replyEvents":{"__typename":"ReplyDelta","seq":1,"text":"`
	buf := make([]byte, 0, 256)
	for range o.Tokens {
		due, now := pacer.Wait()
		buf = wire.Append(append(buf[:0], head...), due, now)
		if s.write(append(buf, `"}}}}`...)) != nil {
			return
		}
	}
	_ = s.write([]byte(`{"id":"` + id + `","type":"complete"}`)) // the client may be gone: nobody is left to tell
}

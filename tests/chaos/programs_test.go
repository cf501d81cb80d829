package chaos_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

// P71, P92, T14: two instances on one database are killed with kill -9 at random moments
// while programs ask, whole and as streams, with idempotency keys and without. In the end
// every answer that came whole is what the engine wrote and is charged exactly once, nothing
// is charged twice, however often it was asked again under its key, holds stay pending only
// where a kill struck and only as long as their lease, the books balance, and of the
// requests' rows only those are missing whose instance died within what may be lost.
func TestChaosProgramsSurviveKills(t *testing.T) {
	s := newSuburb(t)
	s.live(t)
	s.askAgain(t)
	s.audit(t)
	s.holds(t)
	s.instances[0].verify()
}

const (
	programs      = 6
	answerTokens  = 40
	tooLong       = 20 * time.Second        // for one try: whoever waits longer was forgotten
	insistence    = 1500 * time.Millisecond // how long a program repeats itself before it asks something else
	ampleCredits  = 1_000_000_000_000
	mayBeLost     = 250 * time.Millisecond // docs/REQUEST-LOGS.md
	busyMachine   = time.Second            // by how much the instances' timers may be late
	leaseAndSweep = 3 * time.Minute        // of a hold: two minutes, and one until it is swept
)

// suburb is two instances, an engine, and programs that ask.
type suburb struct {
	long      bool
	instances []*process
	programs  []*program
	pool      *pgxpool.Pool

	mu    sync.Mutex
	kills map[string][]span // by address
}

// span is a time that is known as well as this process can know it.
type span struct{ from, to time.Time }

func newSuburb(t *testing.T) *suburb {
	t.Helper()
	s := &suburb{long: os.Getenv("CHAOS") != "", kills: map[string][]span{}}
	engine := inferencetest.New(t)
	engine.Models("priced")
	engine.Answer(paced(t, answerTokens, 2*time.Millisecond))
	catalogue := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(catalogue, []byte(pricedModel), 0o600); err != nil {
		t.Fatal(err)
	}
	url := dbtest.URL(t)
	env := []string{"DATABASE_URL=" + url, "INFERENCE_URL=" + engine.URL(), "NATS_URL=" + startBus(t, 0).url, "MODELS_FILE=" + catalogue, "CHARGE=on",
		"RATE_REQUESTS_PER_KEY=1000000", "RATE_TOKENS_PER_KEY=1000000000", "RATE_REQUESTS_PER_ACCOUNT=1000000", "RATE_TOKENS_PER_ACCOUNT=1000000000"}
	s.instances = []*process{newInstance(t, "one", env...), newInstance(t, "two", env...)}
	for _, i := range s.instances {
		i.launch()
	}
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s.pool = pool
	for _, c := range newCustomers(t, url, s.instances, programs, ampleCredits) {
		p, err := newProgram(c)
		if err != nil {
			t.Fatal(err)
		}
		s.programs = append(s.programs, p)
	}
	return s
}

// live lets the programs ask while one instance after the other is killed.
func (s *suburb) live(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan struct{})
	var wg sync.WaitGroup
	for _, p := range s.programs {
		wg.Go(func() {
			if err := p.live(ctx, over); err != nil {
				t.Errorf("%s: %v", p.name, err)
				cancel()
			}
		})
	}
	cycles := 8
	if s.long {
		cycles = 200
	}
	for k := 0; k < cycles && ctx.Err() == nil; k++ {
		pause(ctx, time.Duration(150+rand.IntN(600))*time.Millisecond)
		i := s.instances[k%2]
		from := time.Now()
		i.kill()
		s.mu.Lock()
		s.kills[i.addr] = append(s.kills[i.addr], span{from, time.Now()})
		s.mu.Unlock()
		i.launch()
	}
	close(over)
	wg.Wait()
}

// askAgain repeats what was asked under a key and not answered, until it is. The leases of
// the dead are over by then: the long form waits for that.
func (s *suburb) askAgain(t *testing.T) {
	t.Helper()
	if !s.long {
		if _, err := s.pool.Exec(t.Context(), `UPDATE completions SET lease_expires_at = created_at WHERE status = 'RUNNING'`); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, p := range s.programs {
		for _, a := range p.asks {
			if a.key == "" || a.run != "" {
				continue
			}
			if err := p.insist(ctx, a, ctx.Done()); err != nil {
				t.Errorf("%s: %v", p.name, err)
			} else if a.run == "" {
				t.Errorf("%s: %s was never answered: %v", p.name, a.text, a.last)
			}
		}
	}
}

// program asks with an API key, and remembers what it was told.
type program struct {
	*customer
	secret string
	asks   []*ask
}

// ask is one thing that a program wants to know, however often it asks.
type ask struct {
	text, key string
	stream    bool
	times     []span // in which it was asked, one after the other
	broken    int    // tries that ended without an answer
	last      error  // why

	run, request string   // of the answer that came whole
	by           *process // who gave it
	at           time.Time
	replayed     bool
}

func newProgram(c *customer) (*program, error) {
	var got struct {
		APIKeyCreate struct {
			Secret     string
			UserErrors []struct{ Code, Message string }
		}
	}
	err := c.ask(c.any(), `mutation { apiKeyCreate(input: {name: "chaos"}) { secret userErrors { code message } } }`, nil, &got)
	if err == nil && got.APIKeyCreate.Secret == "" {
		err = fmt.Errorf("no key: %v", got.APIKeyCreate.UserErrors)
	}
	return &program{customer: c, secret: got.APIKeyCreate.Secret}, err
}

// live asks one thing after the other until it is over.
func (p *program) live(ctx context.Context, over <-chan struct{}) error {
	for n := 0; ; n++ {
		a := &ask{text: fmt.Sprintf("%s n%d", p.name, n), stream: rand.IntN(2) == 0}
		if rand.IntN(2) == 0 {
			a.key = "key-" + strconv.Itoa(n)
		}
		p.asks = append(p.asks, a)
		soon, cancel := context.WithTimeout(ctx, insistence)
		err := p.insist(ctx, a, soon.Done())
		cancel()
		if err == nil && a.run != "" && a.key != "" && rand.IntN(2) == 0 {
			err = p.try(ctx, a) // a library that didn't hear the end of it
		}
		if err != nil {
			return err
		}
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return nil
		default:
		}
	}
}

// insist asks until it is answered, or no longer wants to know. Without a key it asks once.
func (p *program) insist(ctx context.Context, a *ask, enough <-chan struct{}) error {
	for {
		if err := p.try(ctx, a); err != nil || a.run != "" || a.key == "" {
			return err
		}
		select {
		case <-enough:
			return nil
		case <-ctx.Done():
			return nil
		default:
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// try asks one instance. Its error is for what no kill explains.
func (p *program) try(ctx context.Context, a *ask) error {
	i := p.instances[rand.IntN(len(p.instances))]
	body, err := json.Marshal(map[string]any{"model": "priced", "stream": a.stream, "messages": []map[string]string{{"role": "user", "content": a.text}}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+i.addr+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.secret)
	if a.key != "" {
		req.Header.Set("Idempotency-Key", a.key)
	}
	from := time.Now()
	id, text, request, replayed, err := p.hear(req, a.stream)
	a.times = append(a.times, span{from, time.Now()})
	switch {
	case errors.Is(err, errUnexplained):
		return fmt.Errorf("%s: %w", a.text, err)
	case err != nil:
		a.broken, a.last = a.broken+1, err
		return nil //nolint:nilerr // a try that was cut off is no fault: it is repeated
	case text != answerTo(a.text, answerTokens):
		return fmt.Errorf("%s: %d bytes of %d came as the whole answer", a.text, len(text), len(answerTo(a.text, answerTokens)))
	}
	run := "cmp_" + strings.TrimPrefix(id, "chatcmpl-")
	if a.run != "" && (run != a.run || !replayed) {
		return fmt.Errorf("%s: %s was answered again, as %s", a.text, a.run, run)
	}
	a.run, a.request, a.by, a.at, a.replayed = run, request, i, time.Now(), replayed
	return nil
}

var (
	errUnexplained = errors.New("no kill explains that")
	errUnwhole     = errors.New("no whole answer")
)

// hear is an answer that came to its end.
func (p *program) hear(req *http.Request, stream bool) (id, text, request string, replayed bool, err error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), tooLong, errUnexplained)
	defer cancel()
	defer func() { err = errors.Join(err, context.Cause(ctx)) }()
	resp, err := http.DefaultClient.Do(req.WithContext(ctx))
	if err != nil {
		return "", "", "", false, err
	}
	defer func() { _ = resp.Body.Close() }()
	request, replayed = resp.Header.Get("X-Request-Id"), resp.Header.Get("Idempotency-Replayed") != ""
	switch code := resp.StatusCode; {
	case code == http.StatusConflict || code >= 500:
		b, _ := io.ReadAll(resp.Body)
		return "", "", request, replayed, fmt.Errorf("status %d: %.200s", code, b)
	case code != http.StatusOK:
		b, _ := io.ReadAll(resp.Body)
		return "", "", request, replayed, fmt.Errorf("status %d: %.200s: %w", code, b, errUnexplained)
	case stream:
		id, text, err = readStream(resp.Body)
		return id, text, request, replayed, err
	}
	var got struct {
		ID      string
		Choices []struct{ Message struct{ Content string } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || len(got.Choices) != 1 {
		return "", "", request, replayed, errors.Join(err, errUnwhole)
	}
	return got.ID, got.Choices[0].Message.Content, request, replayed, nil
}

// readStream reads events to the mark of their end.
func readStream(body io.Reader) (id, text string, err error) {
	var all strings.Builder
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			return id, all.String(), nil
		}
		var chunk struct {
			ID      string
			Error   json.RawMessage
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil || chunk.Error != nil {
			return "", "", fmt.Errorf("%w: %.200s", errUnwhole, data)
		}
		for _, c := range chunk.Choices {
			all.WriteString(c.Delta.Content)
		}
		id = chunk.ID
	}
	return "", "", errors.Join(lines.Err(), errUnwhole)
}

// usageRow is what was charged for one run.
type usageRow struct {
	ref, status             string
	at                      time.Time
	prompt, output, credits int64
}

// audit compares what the programs were told with what was charged and logged.
func (s *suburb) audit(t *testing.T) {
	t.Helper()
	var answered, replayed, broken, lost, kills int
	for _, p := range s.programs {
		rows := s.charged(t, p)
		for _, a := range p.asks {
			broken += a.broken
			s.auditAsk(t, p, a, rows)
			if a.run == "" {
				continue
			}
			answered++
			if a.replayed {
				replayed++
			}
			if !s.logged(t, a) {
				lost++
			}
		}
		for ref := range rows {
			t.Errorf("%s: the charge of %s belongs to nothing that was asked", p.name, ref)
		}
	}
	for _, of := range s.kills {
		kills += len(of)
	}
	t.Logf("%d kills, %d answers came whole, %d of them again, %d tries were broken off or refused, %d rows of requests were lost", kills, answered, replayed, broken, lost)
	if kills == 0 || answered == 0 || broken == 0 {
		t.Error("nothing was at risk: the test tested nothing")
	}
}

// charged is what a program's account was charged for, by run.
func (s *suburb) charged(t *testing.T, p *program) map[string]usageRow {
	t.Helper()
	var viewer struct{ Viewer struct{ ID string } }
	if err := p.ask(p.any(), `{ viewer { id } }`, nil, &viewer); err != nil {
		t.Fatal(err)
	}
	rows, err := s.pool.Query(t.Context(), `SELECT ref, status, created_at, prompt_tokens, output_tokens, credits FROM usage_rows WHERE owner_id = $1`, viewer.Viewer.ID)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]usageRow{}
	for rows.Next() {
		var r usageRow
		if err := rows.Scan(&r.ref, &r.status, &r.at, &r.prompt, &r.output, &r.credits); err != nil {
			t.Fatal(err)
		}
		if _, twice := out[r.ref]; twice {
			t.Errorf("%s: %s was charged twice", p.name, r.ref)
		}
		out[r.ref] = r
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// auditAsk takes what was charged while it was asked out of the rows: once at most, and
// exactly once where an answer came. A program asks one thing after the other, so the time
// tells what a charge is for.
func (s *suburb) auditAsk(t *testing.T, p *program, a *ask, rows map[string]usageRow) {
	t.Helper()
	var mine []usageRow
	for ref, r := range rows {
		for _, asked := range a.times {
			if !r.at.Before(asked.from.Truncate(time.Microsecond)) && !r.at.After(asked.to) {
				mine = append(mine, r)
				delete(rows, ref)
				break
			}
		}
	}
	switch {
	case len(mine) > 1:
		t.Errorf("%s: %q (key %q) was charged %d times: %+v", p.name, a.text, a.key, len(mine), mine)
	case a.run != "" && len(mine) == 0:
		t.Errorf("%s: the whole answer %s to %q was not charged", p.name, a.run, a.text)
	case a.run != "" && (mine[0].ref != a.run || mine[0].status != "COMPLETE" || mine[0].credits != mine[0].prompt+3*mine[0].output || mine[0].output == 0):
		t.Errorf("%s: the whole answer %s to %q was charged as %+v", p.name, a.run, a.text, mine[0])
	}
}

// logged reports whether the request that brought an answer left its row; it fails where
// the row may not be lost.
func (s *suburb) logged(t *testing.T, a *ask) bool {
	t.Helper()
	s.mu.Lock()
	doomed := false
	for _, k := range s.kills[a.by.addr] {
		doomed = doomed || !a.at.After(k.to) && k.from.Sub(a.at) <= mayBeLost+busyMachine
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		var there bool
		if err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM api_request_logs WHERE id = $1)`, a.request).Scan(&there); err == nil && there {
			return true
		} else if err == nil && doomed {
			return false
		}
		pause(ctx, 50*time.Millisecond)
	}
	t.Errorf("the row of %s, which answered %q, is missing, and nobody died", a.request, a.text)
	return false
}

// holds looks at what is still set aside: no more than tries were broken off, and nothing
// a minute after its lease. The long form waits until all is given back.
func (s *suburb) holds(t *testing.T) {
	t.Helper()
	broken := 0
	for _, p := range s.programs {
		for _, a := range p.asks {
			broken += a.broken
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), leaseAndSweep)
	defer cancel()
	for {
		var pending, late int
		err := s.pool.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE expires_at < now() - interval '1 minute') FROM ledger_holds WHERE status = 'PENDING'`).Scan(&pending, &late)
		switch {
		case err != nil:
			t.Errorf("look at the holds: %v", err)
			return
		case pending > broken || late > 0:
			t.Errorf("%d holds are pending after %d broken tries, %d of them a minute after their lease", pending, broken, late)
			return
		case pending == 0 || !s.long:
			return
		}
		pause(ctx, time.Second)
		if ctx.Err() != nil {
			t.Errorf("%d holds are pending after their leases and a minute", pending)
			return
		}
	}
}

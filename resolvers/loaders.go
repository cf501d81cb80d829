package resolvers

import (
	"context"
	"net/http"
	"time"

	"github.com/vikstrous/dataloadgen"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// loaders gather the single look-ups of one operation into few queries. They live
// as long as one operation.
type loaders struct {
	message  *dataloadgen.Loader[string, *models.Message]
	children *dataloadgen.Loader[chat.Parent, []*models.Message]
}

type loadersKey struct{}

// WithLoaders gives every operation of the handler fresh loaders.
func (r *Resolver) WithLoaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		next.ServeHTTP(w, req.WithContext(r.freshLoaders(req.Context())))
	})
}

func (r *Resolver) freshLoaders(ctx context.Context) context.Context {
	wait := dataloadgen.WithWait(200 * time.Microsecond)
	return context.WithValue(ctx, loadersKey{}, &loaders{
		message: dataloadgen.NewLoader(func(ctx context.Context, ids []string) ([]*models.Message, []error) {
			ms, err := r.Chat.FindMessages(ctx, viewer.From(ctx), ids)
			return ms, errorsOf(err)
		}, wait),
		children: dataloadgen.NewLoader(func(ctx context.Context, ps []chat.Parent) ([][]*models.Message, []error) {
			ms, err := r.Chat.Children(ctx, viewer.From(ctx), ps)
			return ms, errorsOf(err)
		}, wait),
	})
}

func errorsOf(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}

// load is the operation's loaders. Events of subscriptions are operations of their
// own: they must not see what an earlier event loaded.
func (r *Resolver) load(ctx context.Context) *loaders {
	if l, ok := ctx.Value(loadersKey{}).(*loaders); ok {
		return l
	}
	return r.freshLoaders(ctx).Value(loadersKey{}).(*loaders)
}

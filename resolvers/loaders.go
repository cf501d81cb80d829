package resolvers

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vikstrous/dataloadgen"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// loaders gather the single look-ups of one answer into few queries.
type loaders struct {
	message  *dataloadgen.Loader[string, *models.Message]
	children *dataloadgen.Loader[chat.Parent, []*models.Message]
	childIDs *dataloadgen.Loader[chat.Parent, []*models.Message] // with nothing else
	acts     *dataloadgen.Loader[string, []*models.UsageRow]     // by the reply they wrote
	purchase *dataloadgen.Loader[string, *models.Purchase]       // nil for what isn't the viewer's
	apiKey   *dataloadgen.Loader[string, *models.APIKey]         // as well
	session  *dataloadgen.Loader[string, *models.Session]        // as well, and for those that have ended
	analysis *dataloadgen.Loader[*requestlog.Window, requestlog.Analysis]
}

type loadersKey struct{}

// WithLoaders gives every answer of a query or mutation fresh loaders. Events of
// subscriptions get theirs only when a field needs one: most need none, and they must
// not see what an earlier event loaded.
func (r *Resolver) WithLoaders(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if op := graphql.GetOperationContext(ctx).Operation; op != nil && op.Operation == ast.Subscription {
		return next(ctx)
	}
	return next(r.freshLoaders(ctx))
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
		childIDs: dataloadgen.NewLoader(func(ctx context.Context, ps []chat.Parent) ([][]*models.Message, []error) {
			ms, err := r.Chat.ChildIDs(ctx, viewer.From(ctx), ps)
			return ms, errorsOf(err)
		}, wait),
		acts: dataloadgen.NewLoader(func(ctx context.Context, ids []string) ([][]*models.UsageRow, []error) {
			acts, err := r.actsOf(ctx, ids)
			return acts, errorsOf(err)
		}, wait),
		purchase: dataloadgen.NewLoader(func(ctx context.Context, ids []string) ([]*models.Purchase, []error) {
			ps, err := r.Billing.PurchasesByID(ctx, viewer.From(ctx), ids)
			return ps, errorsOf(err)
		}, wait),
		apiKey: dataloadgen.NewLoader(func(ctx context.Context, ids []string) ([]*models.APIKey, []error) {
			ks, err := r.keysByID(ctx, ids)
			return ks, errorsOf(err)
		}, wait),
		session: dataloadgen.NewLoader(func(ctx context.Context, ids []string) ([]*models.Session, []error) {
			ss, err := r.sessionsByID(ctx, ids)
			return ss, errorsOf(err)
		}, wait),
		analysis: dataloadgen.NewLoader(func(ctx context.Context, ws []*requestlog.Window) ([]requestlog.Analysis, []error) {
			return r.Requests.Analyses(ctx, viewer.From(ctx), ws)
		}, wait),
	})
}

func errorsOf(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}

// load is the answer's loaders.
func (r *Resolver) load(ctx context.Context) *loaders {
	if l, ok := ctx.Value(loadersKey{}).(*loaders); ok {
		return l
	}
	return r.freshLoaders(ctx).Value(loadersKey{}).(*loaders) //nolint:forcetypeassert // freshLoaders has just put it there
}

package resolvers

import (
	"context"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// gate is the viewer's gate as the wire shows it.
func (r *Resolver) gate(ctx context.Context) (*graph.Gate, error) {
	g, err := r.Policy.Gate(ctx, viewer.From(ctx))
	if err != nil {
		return nil, err
	}
	return &graph.Gate{AgeConfirmed: g.AgeConfirmed, AgeRefused: g.AgeRefused, MinimumAge: policy.MinimumAge,
		PolicyAccepted: g.PolicyAccepted, PolicyVersion: g.PolicyVersion, News: policyNews(g.News)}, nil
}

func policyNews(n *policy.News) *graph.PolicyNews {
	if n == nil {
		return nil
	}
	return &graph.PolicyNews{Version: n.Version, EffectiveAt: n.EffectiveAt, Significant: n.Significant, InForce: n.InForce}
}

// gateAfter hands on what an act has changed of the viewer's gate, also when it was
// refused, and shows the gate after it.
func (r *Resolver) gateAfter(ctx context.Context, kept viewer.Gate, err error) (*graph.Gate, []graph.UserError, error) {
	refused, err := userErrors(err, 0)
	if err != nil {
		return nil, nil, err
	}
	keep(ctx, kept)
	gate, err := r.gate(ctx)
	return gate, refused, err
}

// keep makes the rest of the request, and the cookie of its answer, know the gate.
func keep(ctx context.Context, g viewer.Gate) {
	v := viewer.From(ctx)
	v.Gate = g
	viewer.Become(ctx, v)
}

// keepChoice is keep after a choice: the cookie that is no longer agreed to goes.
func keepChoice(ctx context.Context, g viewer.Gate, c *models.Consent) {
	v := viewer.From(ctx)
	v.Gate = g
	v.ForgetPreferences = c.Kind == models.ConsentPreferencesCookie && !c.Granted
	viewer.Become(ctx, v)
}

func wireVersion(v policy.Version, err error) (*graph.PolicyVersion, error) {
	if err != nil {
		return nil, err
	}
	w := &graph.PolicyVersion{Version: v.Version, EffectiveAt: v.EffectiveAt, PublishedAt: v.PublishedAt, Hash: v.Hash, Significant: v.Significant, Text: v.Text, Translations: []*graph.PolicyTranslation{}}
	if v.Chinese != "" {
		w.Translations = append(w.Translations, &graph.PolicyTranslation{Language: "zh", Text: v.Chinese, Hash: v.ChineseHash})
	}
	return w, nil
}

// orNone is a list that is never null.
func orNone[T any](list []T, err error) ([]T, error) {
	if list == nil && err == nil {
		list = []T{}
	}
	return list, err
}

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

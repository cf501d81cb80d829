package edge

import (
	"maps"
	"slices"

	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// quiet are the rules that replace those which look for similar names: the search
// costs more than all the rest when a name is long, and tells names unasked.
var quiet = map[string]core.Rule{
	rules.FieldsOnCorrectTypeRule.Name: rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
	rules.KnownArgumentNamesRule.Name:  rules.KnownArgumentNamesRuleWithoutSuggestions,
	rules.KnownTypeNamesRule.Name:      rules.KnownTypeNamesRuleWithoutSuggestions,
	rules.ScalarLeafsRule.Name:         rules.ScalarLeafsRuleWithoutSuggestions,
	rules.ValuesOfCorrectTypeRule.Name: rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
}

// specified are all rules of the specification, without suggestions, in a fixed
// order.
var specified = func() []core.Rule {
	all := rules.NewDefaultRules().GetInner()
	list := make([]core.Rule, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		rule, ok := quiet[name]
		if !ok {
			rule = core.Rule{Name: name, RuleFunc: all[name]}
		}
		list = append(list, rule)
	}
	return list
}()

// validationRules are the rules for one document. Errors after the first few are
// dropped unwritten: a small document can have ten thousand.
func validationRules() *rules.Rules {
	set := rules.NewRules()
	found := 0
	for _, rule := range specified {
		set.AddRule(rule.Name, func(observers *core.Events, add core.AddErrFunc) {
			rule.RuleFunc(observers, func(options ...core.ErrorOption) {
				if found < maxErrors {
					found++
					add(options...)
				}
			})
		})
	}
	return set
}

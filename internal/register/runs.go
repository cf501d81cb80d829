package register

import "slices"

// Runs are the checks that run all the time, by the names under which clauses of the policy
// cite them. Whoever runs them and the register compare themselves with this list.
var Runs = []string{
	"audit_chain",        // the log of acts is unbroken
	"columns_sealed",     // what has to be sealed is
	"deletions",          // what is to be deleted is, in time
	"enterprise",         // what enterprises are promised is there
	"exports",            // exports are made, and are gone in time
	"figures",            // the numbers in the text are those of the program
	"hops_encrypted",     // every hop is encrypted
	"ledger_drift",       // the books add up
	"legal_requests",     // what was handed over by law is counted
	"marketing",          // nobody gets news who didn't ask for it
	"notices",            // who has to be told is told
	"oldest_guest",       // no guest is kept longer than promised
	"oldest_request_log", // no log of a request is
	"policy_text",        // the text is the published one
	"recipients",         // data go to those who are named, and to nobody else
	"register_complete",  // every table and column is registered
	"self_audit",         // all other checks were made lately
	"staff_access",       // who of the operators saw content
	"sweeps",             // everything that ends is swept in time
	"version",            // which program this is
}

// UnknownRuns are the checks that clauses cite and that are not in Runs, and those of Runs
// that no clause cites.
func (r *Register) UnknownRuns() (unknown, idle []string) {
	cited := map[string]bool{}
	for _, c := range r.Clauses {
		for _, run := range c.Run {
			cited[run] = true
			if !slices.Contains(Runs, run) {
				unknown = append(unknown, c.ID+": "+run)
			}
		}
	}
	return unknown, slices.DeleteFunc(slices.Clone(Runs), func(run string) bool { return cited[run] })
}

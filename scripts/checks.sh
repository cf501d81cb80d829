# The jobs that read the code without running it. Sourced after jobs.sh.

# The frontend is built first: the Go code embeds it.
job_frontend_build() { scripts/frontend.sh; }

job_gofmt() {
	local bad
	bad=$(tree_files | grep '\.go$' | xargs gofmt -l)
	if [[ -n $bad ]]; then
		echo "not formatted, run gofmt -w on:"
		echo "$bad"
		return 1
	fi
}

# The linter vets as go vet does (govet).
job_lint() { scripts/setup.sh linter && golangci-lint run ./...; }

job_schema_lint() {
	tools/schema/node_modules/.bin/eslint -c tools/schema/eslint.config.js --max-warnings 0 'graph/schema/*.graphqls'
}

job_generated() { scripts/generated-in-step.sh; }

job_scripts() {
	local f
	for f in scripts/*.sh .ci/run; do bash -n "$f" || return 1; done
	# shellcheck is used where there is one; nothing depends on it.
	if command -v shellcheck >/dev/null; then shellcheck -x scripts/*.sh .ci/run; fi
}

job_lockfiles() {
	local f bad=0
	while read -r f; do
		if grep -q '"resolved":' "$f"; then
			echo "$f records download addresses; install with omit-lockfile-registry-resolved=true"
			bad=1
		fi
	done < <(tree_files | grep 'package-lock\.json$')
	return $bad
}

job_frontend_types() { npm run --silent --prefix frontend typecheck; }
job_frontend_lint() { npm run --silent --prefix frontend lint; }
job_frontend_format() { npm run --silent --prefix frontend format; }
job_frontend_knip() { npm run --silent --prefix frontend knip; }

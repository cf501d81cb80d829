# Runs named jobs, some side by side, and sums up. Sourced after lib.sh.
#
# A job is a shell function job_NAME. Its output goes to a log, which is shown when
# it fails. `lane` starts jobs in the background, one after the other; `solo` runs
# one alone and shows its output as it comes.
results="$logs/results.$$"
: >"$results"
lanes=()

stop_lanes() {
	local pid
	for pid in ${lanes[@]+"${lanes[@]}"}; do kill -TERM -- "-$pid" 2>/dev/null || true; done
}
trap 'rm -f "$results"' EXIT
trap 'stop_lanes; exit 130' INT TERM

# note NAME STATUS STARTED remembers how a job ended and says so.
note() {
	local word=ok took=$(($(now) - $3))
	(($2 == 0)) || word=FAIL
	printf '%s %s\n' "$word" "$1" >>"$results"
	printf '%-4s %s (%s s)\n' "$word" "$1" "$took"
}

# quiet_job NAME runs a job and shows the end of its log when it fails, all in one
# piece so that lanes don't mix their lines.
quiet_job() {
	local name=$1 log="$logs/$1.log" started status=0 line
	started=$(now)
	("job_$name") >"$log" 2>&1 </dev/null || status=$?
	line=$(note "$name" "$status" "$started")
	if ((status != 0)); then
		line=$(printf '── %s ──\n%s\n%s' "$name" "$(tail -n 150 "$log")" "$line")
	fi
	printf '%s\n' "$line"
}

# lane NAME… starts jobs one after the other, in a process group of their own so
# that an interrupt can stop all that they started.
lane() {
	set -m
	(
		set +m
		for name in "$@"; do quiet_job "$name"; done
	) &
	lanes+=($!)
	set +m
}

# finish_lanes waits for all lanes started so far.
finish_lanes() {
	local pid
	for pid in "${lanes[@]}"; do wait "$pid" || true; done
	lanes=()
}

# solo NAME runs a job and shows its output as it comes.
solo() {
	local name=$1 started status=0
	started=$(now)
	echo "── $name ──"
	("job_$name") 2>&1 </dev/null | tee "$logs/$name.log" || status=${PIPESTATUS[0]}
	note "$name" "$status" "$started"
}

# summary prints how many jobs passed and failed, and fails if one did.
summary() {
	local failed passed
	failed=$(grep -c '^FAIL' "$results" || true)
	passed=$(grep -c '^ok' "$results" || true)
	echo
	if ((failed)); then
		echo "failed: $(awk '$1 == "FAIL" { printf "%s ", $2 }' "$results")(whole output in ${logs#"$root/"}/)"
	fi
	echo "$passed passed, $failed failed"
	((failed == 0))
}

package cluster

// Elsewhere moves the place for what the server's user cannot reach; it returns how to
// move it back.
func Elsewhere(dir string) (back func()) {
	old := elsewhere
	elsewhere = dir
	return func() { elsewhere = old }
}

// Hydrate is hydrate.
func Hydrate(native string) error { return hydrate(native) }

// Settings is what a new data folder is configured with.
const Settings = settings

// Alive is alive.
func Alive(pid int) bool { return alive(pid) }

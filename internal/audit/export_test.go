package audit

// LinkLock is the lock of whoever chains.
const LinkLock = linkLock

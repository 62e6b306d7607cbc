package dbtest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// keeper is the shell script that owns the private server. It ends when its
// standard input does, which is when the test process ends in whatever way, so
// no server is left behind. The server listens on a socket in its directory
// only and does not wait for the disk.
const keeper = `
cd "$2" || exit
"$1/initdb" -D data -U lianban -A trust -E UTF8 --locale=C --no-sync >log 2>&1 &&
"$1/pg_ctl" -D data -l log -w -o "-k '$2' -h '' -F -c full_page_writes=off -c synchronous_commit=off -c autovacuum=off" start >/dev/null 2>&1 &&
echo ready || echo failed
read -r _
"$1/pg_ctl" -D data -m immediate stop >/dev/null 2>&1
cd / && rm -rf "$2"
`

// startServer starts a PostgreSQL server for this process alone and gives its
// address.
func startServer() (address string, err error) {
	binaries, err := findBinaries()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(roomy(), "lianban-pg-")
	if err != nil {
		return "", err
	}
	credential, err := unprivileged()
	if err != nil {
		return "", err
	}
	if credential != nil {
		if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
			return "", err
		}
	}
	if err := keep(binaries, dir, credential); err != nil {
		return "", err
	}
	return "postgres://lianban@/postgres?host=" + dir, nil
}

func keep(binaries, dir string, credential *syscall.Credential) error {
	// The other end stays a bare number, which nothing closes but the end of
	// this process.
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return err
	}
	stdin := os.NewFile(uintptr(ends[0]), "keeper")
	defer stdin.Close()
	cmd := exec.Command("/bin/sh", "-c", keeper, "keeper", binaries, dir)
	cmd.Stdin = stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setsid: true} // not reached by ^C
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return fmt.Errorf("wait for PostgreSQL: %w", err)
	}
	if line == "ready\n" {
		return nil
	}
	text, _ := os.ReadFile(filepath.Join(dir, "log"))
	return fmt.Errorf("PostgreSQL did not start: %s", text)
}

// roomy gives a place for the server's files: memory when there is enough, for
// making a database there takes 50 ms against 250 ms on a disk, measured. It is
// not os.TempDir, since the path of a socket has at most 107 bytes.
func roomy() string {
	const memory = "/dev/shm"
	var s syscall.Statfs_t
	if err := syscall.Statfs(memory, &s); err == nil && s.Bavail*uint64(s.Bsize) > 2<<30 {
		return memory
	}
	return "/tmp"
}

// findBinaries gives the folder with initdb and pg_ctl. Debian keeps them
// under a versioned folder that is not in PATH; a link in PATH may lead there.
func findBinaries() (string, error) {
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.Reverse(candidates) // newest first
	if path, err := exec.LookPath("initdb"); err == nil {
		candidates = slices.Insert(candidates, 0, path)
	}
	for _, path := range candidates {
		if path, err := filepath.EvalSymlinks(path); err == nil {
			dir := filepath.Dir(path)
			if _, err := os.Stat(filepath.Join(dir, "pg_ctl")); err == nil {
				return dir, nil
			}
		}
	}
	return "", errors.New("initdb and pg_ctl are not installed (Debian: apt-get install postgresql)")
}

// unprivileged gives whom to run the server as: PostgreSQL refuses root. It is
// nil when this process is not root's.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as")
}

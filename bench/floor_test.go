package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// asFloor tells the test binary that it is the floor's process, and holds the command it answers.
const asFloor = "RINGSIDE_BENCH_FLOOR"

func TestMain(m *testing.M) {
	if command := os.Getenv(asFloor); command != "" {
		os.Exit(floor(command))
	}
	if commands := os.Getenv(asESLFloor); commands != "" {
		os.Exit(eslFloor(commands))
	}
	if base := os.Getenv(asARIFloor); base != "" {
		os.Exit(ariFloor(base))
	}
	os.Exit(m.Run())
}

// floor answers every connection with the command, as the least that any FastAGI server in Go has
// to do: accept, read up to the blank line, write once, read the reply, close.
func floor(command string) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(l.Addr())
	buffers := sync.Pool{New: func() any { b := make([]byte, 2048); return &b }}
	for {
		conn, err := l.Accept()
		if err != nil {
			return 1
		}
		go func() {
			defer func() { _ = conn.Close() }()
			buf := buffers.Get().(*[]byte)
			defer buffers.Put(buf)
			for n := 0; !bytes.HasSuffix((*buf)[:n], []byte("\n\n")); {
				more, err := conn.Read((*buf)[n:])
				if err != nil {
					return
				}
				n += more
			}
			_, _ = conn.Write([]byte(command + "\n"))
			_, _ = conn.Read(*buf)
		}()
	}
}

// startFloor runs the floor in a process of its own and returns its address and process id.
func startFloor(t *testing.T, command string) (addr string, pid int) {
	t.Helper()
	out, pid := startProcess(t, asFloor, command)
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(addr), pid
}

// startProcess runs the test binary as a floor, which a variable of its environment tells it.
func startProcess(t *testing.T, variable, value string) (out io.Reader, pid int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+value)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return out, cmd.Process.Pid
}

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// steps are the system calls after which what a program did is on disk.
var steps = []uint32{
	syscall.SYS_FSYNC, syscall.SYS_FDATASYNC, syscall.SYS_MKDIRAT, syscall.SYS_UNLINKAT,
	syscall.SYS_RENAME, syscall.SYS_RENAMEAT, 316, // renameat2
	syscall.SYS_LINKAT,
}

// killedMain is a program of its own, as it waits for every child: it runs
// tokenaudit with the arguments behind the first, which is the number of the step
// after which it kills it with SIGKILL. Its exit code is 137 if it did; otherwise it
// prints how many steps there were.
func killedMain() {
	last, err := strconv.Atoi(os.Args[1])
	if err == nil {
		var code int
		if code, err = killAfter(last, os.Args[2:]); err == nil {
			os.Exit(code)
		}
	}
	fmt.Fprintln(os.Stderr, "killed:", err)
	os.Exit(1)
}

// steppingMain turns into tokenaudit, with the kernel told to stop it at each step.
// A tracer that stops at every system call takes three times as long.
func steppingMain() {
	runtime.LockOSThread()
	fmt.Fprintln(os.Stderr, "stepping:", errors.Join(stopAtSteps(), become("tokenaudit", os.Args[1:])))
	os.Exit(1)
}

func become(program string, args []string) error {
	path, err := exec.LookPath(program)
	if err != nil {
		return err
	}
	return syscall.Exec(path, append([]string{program}, args...), os.Environ())
}

// stopAtSteps gives this thread a seccomp filter.
func stopAtSteps() error {
	const (
		load, equal, answer = syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, syscall.BPF_RET | syscall.BPF_K
		allow, trace        = 0x7fff0000, 0x7ff00000
		noNewPrivs          = 38 // prctl(2)
		filterMode          = 2
	)
	filter := []syscall.SockFilter{{Code: load}} // the number of the system call comes first
	for i, number := range steps {
		filter = append(filter, syscall.SockFilter{Code: equal, Jt: uint8(len(steps) - i), K: number})
	}
	filter = append(filter, syscall.SockFilter{Code: answer, K: allow}, syscall.SockFilter{Code: answer, K: trace})
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivs, 1, 0, 0, 0, 0); err != 0 {
		return err
	}
	if _, _, err := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_SECCOMP, filterMode, uintptr(unsafe.Pointer(&program))); err != 0 {
		return err
	}
	return nil
}

func killAfter(last int, args []string) (int, error) {
	runtime.LockOSThread() // one thread is the tracer
	cmd := exec.Command("stepping", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	main := cmd.Process.Pid
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(main, &status, syscall.WALL, nil); err != nil {
		return 0, err
	}
	const exitKill, seccomp = 0x100000, 0x80
	if err := syscall.PtraceSetOptions(main, syscall.PTRACE_O_TRACESYSGOOD|syscall.PTRACE_O_TRACECLONE|exitKill|seccomp); err != nil {
		return 0, err
	}
	if err := syscall.PtraceCont(main, 0); err != nil {
		return 0, err
	}
	return trace(main, last)
}

// trace counts the steps of all threads until the program ends, or is to end.
func trace(main, last int) (int, error) {
	const beforeStep, afterStep = 7, syscall.SIGTRAP | 0x80 // PTRACE_EVENT_SECCOMP
	for done := 0; ; {
		var status syscall.WaitStatus
		thread, err := syscall.Wait4(-1, &status, syscall.WALL, nil)
		switch {
		case err != nil:
			return 0, err
		case thread == main && status.Exited():
			fmt.Println(done)
			return status.ExitStatus(), nil
		case thread == main && status.Signaled():
			return 128 + int(status.Signal()), nil
		case !status.Stopped():
			continue
		}
		switch stop := status.StopSignal(); {
		case status.TrapCause() == beforeStep:
			_ = syscall.PtraceSyscall(thread, 0) // until it has been done; a thread may be gone by now
		case stop == afterStep:
			if done++; done == last {
				syscall.Kill(main, syscall.SIGKILL)
				continue
			}
			_ = syscall.PtraceCont(thread, 0)
		case stop == syscall.SIGTRAP || stop == syscall.SIGSTOP:
			_ = syscall.PtraceCont(thread, 0)
		default:
			_ = syscall.PtraceCont(thread, int(stop))
		}
	}
}

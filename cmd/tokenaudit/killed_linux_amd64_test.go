package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
)

// steps are the system calls after which what a program did is on disk.
var steps = map[uint64]bool{
	syscall.SYS_FSYNC: true, syscall.SYS_FDATASYNC: true, syscall.SYS_MKDIRAT: true, syscall.SYS_UNLINKAT: true,
	syscall.SYS_RENAME: true, syscall.SYS_RENAMEAT: true, 316: true, // renameat2
}

// killedMain is a program of its own, as it waits for every child: it runs
// tokenaudit with the arguments behind the first, which is the number of the step
// after which it kills it with SIGKILL. Its exit code is 137 if it did.
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

func killAfter(last int, args []string) (int, error) {
	runtime.LockOSThread() // one thread is the tracer
	cmd := exec.Command("tokenaudit", args...)
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
	const exitKill = 0x100000
	if err := syscall.PtraceSetOptions(main, syscall.PTRACE_O_TRACESYSGOOD|syscall.PTRACE_O_TRACECLONE|exitKill); err != nil {
		return 0, err
	}
	if err := syscall.PtraceSyscall(main, 0); err != nil {
		return 0, err
	}
	return trace(main, last)
}

// trace counts the steps of all threads until the program ends, or is to end.
func trace(main, last int) (int, error) {
	inside, done := map[int]bool{}, 0 // threads that are in a system call
	for {
		var status syscall.WaitStatus
		thread, err := syscall.Wait4(-1, &status, syscall.WALL, nil)
		switch {
		case err != nil:
			return 0, err
		case thread == main && status.Exited():
			return status.ExitStatus(), nil
		case thread == main && status.Signaled():
			return 128 + int(status.Signal()), nil
		case !status.Stopped():
			continue
		}
		signal := 0
		switch stop := status.StopSignal(); {
		case stop == syscall.SIGTRAP|0x80:
			inside[thread] = !inside[thread]
			if !inside[thread] && isStep(thread) {
				if done++; done == last {
					syscall.Kill(main, syscall.SIGKILL)
					continue
				}
			}
		case stop != syscall.SIGTRAP && stop != syscall.SIGSTOP:
			signal = int(stop)
		}
		_ = syscall.PtraceSyscall(thread, signal) // a thread may be gone by now
	}
}

func isStep(thread int) bool {
	var regs syscall.PtraceRegs
	return syscall.PtraceGetRegs(thread, &regs) == nil && steps[regs.Orig_rax]
}

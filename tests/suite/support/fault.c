/* Runs a command and has one of its file-changing calls go wrong.
 *
 *   fault REPORT ACTION NTH SCOPE CALLS COMMAND [ARGUMENT ...]
 *
 * Calls are counted over all processes and threads of the command, in the order in which they come;
 * CALLS says which ("all", or names of kinds: write,sync,rename,unlink,link,truncate,mkdir,create,mode).
 * Writes and syncs count only when they are to regular files. Before the NTH one ACTION is done:
 *
 *   count  nothing: all are counted
 *   kill   every process of the command is killed
 *   tear   half of a write is done, then every process is killed; other calls: as kill
 *   E      the call fails with that errno, and is not done; SCOPE: "once", or "on": so does each behind it
 *
 * REPORT gets a line for each counted call: its kind, and the file. The exit code is the command's
 * (128 and the signal's number where one ended it).
 *
 * A seccomp filter stops the command at the calls of interest alone, so it runs at its usual speed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "only this machine's registers are known"
#endif

/* How a call names its file: by an open file, or by a path in that argument. */
enum where { BY_FILE, PATH_0, PATH_1 };

static const struct call {
    int number;
    const char *kind;
    enum where where;
} CALLS[] = {
    {SYS_write, "write", BY_FILE},       {SYS_pwrite64, "write", BY_FILE},
    {SYS_writev, "write", BY_FILE},      {SYS_pwritev, "write", BY_FILE},
    {SYS_copy_file_range, "write", BY_FILE},
    {SYS_fsync, "sync", BY_FILE},        {SYS_fdatasync, "sync", BY_FILE},
    {SYS_syncfs, "sync", BY_FILE},
    {SYS_rename, "rename", PATH_0},      {SYS_renameat, "rename", PATH_1},
    {SYS_renameat2, "rename", PATH_1},   {SYS_unlink, "unlink", PATH_0},
    {SYS_unlinkat, "unlink", PATH_1},    {SYS_rmdir, "unlink", PATH_0},
    {SYS_link, "link", PATH_0},          {SYS_linkat, "link", PATH_1},
    {SYS_symlink, "link", PATH_0},       {SYS_symlinkat, "link", PATH_0},
    {SYS_truncate, "truncate", PATH_0},  {SYS_ftruncate, "truncate", BY_FILE},
    {SYS_fallocate, "truncate", BY_FILE}, {SYS_mkdir, "mkdir", PATH_0},
    {SYS_mkdirat, "mkdir", PATH_1},      {SYS_open, "create", PATH_0},
    {SYS_openat, "create", PATH_1},      {SYS_creat, "create", PATH_0},
    {SYS_chmod, "mode", PATH_0},         {SYS_fchmod, "mode", BY_FILE},
    {SYS_fchmodat, "mode", PATH_1},
};
#define COUNT (sizeof CALLS / sizeof *CALLS)

static FILE *report;
static const char *action, *calls;
static long nth, seen;
static int goes_on;

static void fail(const char *what) {
    perror(what);
    exit(125);
}

static int is_wanted(const char *kind) {
    size_t length = strlen(kind);
    if (!strcmp(calls, "all")) return 1;
    for (const char *at = calls; (at = strstr(at, kind)); at += length)
        if ((at == calls || at[-1] == ',') && (at[length] == ',' || !at[length])) return 1;
    return 0;
}

/* The kernel stops the command at the calls of the table, and for opens only where they create. */
static void stop_at_calls(void) {
    struct sock_filter code[3 * COUNT + 8];
    int end = 0;
    code[end++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT; i++) {
        if (!is_wanted(CALLS[i].kind)) continue;
        code[end++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)CALLS[i].number, 0, 1);
        code[end++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    code[end++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)end, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        fail("seccomp");
}

/* The path that stands at an address of the process. */
static void read_path(pid_t pid, unsigned long at, char *path) {
    struct iovec here = {path, PATH_MAX - 1}, there = {(void *)at, PATH_MAX - 1};
    /* It may stand at the end of what can be read. */
    ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
    if (got < 0) {
        here.iov_len = there.iov_len = 4096 - at % 4096;
        got = process_vm_readv(pid, &here, 1, &there, 1, 0);
    }
    path[got < 0 ? 0 : got] = 0;
}

/* Whether the call changes a file, and which. */
static int names_file(pid_t pid, const struct call *call, const struct user_regs_struct *it, char *path) {
    char link[64];
    struct stat stat_of;
    if (call->where != BY_FILE) {
        read_path(pid, call->where == PATH_0 ? it->rdi : it->rsi, path);
        unsigned long flags = call->number == SYS_open ? it->rsi : call->number == SYS_openat ? it->rdx : O_CREAT;
        return flags & (O_CREAT | O_TRUNC) && strncmp(path, "/dev/", 5) && strncmp(path, "/proc/", 6);
    }
    unsigned long number = call->number == SYS_copy_file_range ? it->rdx : it->rdi;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, (int)number);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return !stat(link, &stat_of) && (S_ISREG(stat_of.st_mode) || S_ISDIR(stat_of.st_mode));
}

static void kill_all(void) {
    fclose(report);
    /* What is traced dies with us. */
    _exit(128 + SIGKILL);
}

static void tear(pid_t pid, struct user_regs_struct *it, const struct call *call) {
    if (call->number != SYS_write && call->number != SYS_pwrite64) kill_all();
    it->rdx /= 2;
    int status;
    if (ptrace(PTRACE_SETREGS, pid, 0, it) || ptrace(PTRACE_SYSCALL, pid, 0, 0)) fail("tear");
    waitpid(pid, &status, __WALL);
    kill_all();
}

static void at_call(pid_t pid) {
    struct user_regs_struct it;
    char path[PATH_MAX];
    const struct call *call = NULL;
    if (ptrace(PTRACE_GETREGS, pid, 0, &it)) return;
    for (size_t i = 0; i < COUNT && !call; i++)
        if (CALLS[i].number == (int)it.orig_rax) call = &CALLS[i];
    if (!call || !names_file(pid, call, &it, path)) return;
    seen++;
    fprintf(report, "%s %s\n", call->kind, path);
    if (!strcmp(action, "count") || seen < nth || (seen > nth && !goes_on)) return;
    if (!strcmp(action, "kill")) kill_all();
    if (!strcmp(action, "tear")) tear(pid, &it, call);
    it.orig_rax = (unsigned long)-1;
    it.rax = (unsigned long)-atol(action);
    if (ptrace(PTRACE_SETREGS, pid, 0, &it)) fail("fail");
}

static int follow(pid_t first) {
    int code = 125, status;
    for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
        if (pid < 0) continue;
        if (WIFEXITED(status) && pid == first) code = WEXITSTATUS(status);
        if (WIFSIGNALED(status) && pid == first) code = 128 + WTERMSIG(status);
        if (!WIFSTOPPED(status)) continue;
        int event = status >> 16, given = WSTOPSIG(status);
        if (event == PTRACE_EVENT_SECCOMP) at_call(pid);
        int is_stop = event == PTRACE_EVENT_STOP && given != SIGTRAP;
        ptrace(is_stop ? PTRACE_LISTEN : PTRACE_CONT, pid, 0, event ? 0 : given);
    }
    return code;
}

int main(int count, char **words) {
    int gate[2];
    if (count < 7) return 125;
    report = fopen(words[1], "we");
    if (!report || pipe2(gate, O_CLOEXEC)) fail(words[1]);
    action = words[2], nth = atol(words[3]), goes_on = !strcmp(words[4], "on"), calls = words[5];
    pid_t first = fork();
    if (first < 0) fail("fork");
    if (!first) {
        char byte;
        close(gate[1]);
        if (read(gate[0], &byte, 1)) _exit(125);
        stop_at_calls();
        execvp(words[6], words + 6);
        fail(words[6]);
    }
    long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    if (ptrace(PTRACE_SEIZE, first, 0, options)) fail("ptrace");
    close(gate[0]), close(gate[1]);
    int code = follow(first);
    fclose(report);
    return code;
}

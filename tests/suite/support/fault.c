/* Runs a command and has one of its file-changing calls go wrong, or writes all of them down.
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
 *   record nothing: what each call changed is written down
 *
 * REPORT gets a line for each counted call: its kind, and the file. The exit code is the command's
 * (128 and the signal's number where one ended it).
 *
 * A record has a line for each call that was done, its parts with tabs between; bytes stand behind
 * their line. A flush is told when it begins, the rest when it is done. NODE is what the system numbers
 * a file by, and MODE is octal.
 *
 *   create NODE MODE CUT PATH   a file that may be new; CUT is 1 where it was emptied
 *   write NODE OFFSET LENGTH    and that many bytes
 *   size NODE LENGTH
 *   mode NODE MODE
 *   mkdir NODE MODE PATH
 *   rename FROM TO, link FROM TO, symlink TARGET PATH, unlink PATH
 *   sync NODE, syncfs
 *   map PATH                    it is written to through memory from now on
 *   said LENGTH                 and that many bytes, which the command wrote to its output
 *   ended CODE                  of the command itself; what it started may go on
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
#include <sys/mman.h>
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

/* How a call names its file: by an open file, or by a path in that argument; or it means all files. */
enum where { BY_FILE, PATH_0, PATH_1, ALL };

static const struct call {
    int number;
    const char *kind;
    enum where where;
} CALLS[] = {
    {SYS_write, "write", BY_FILE},       {SYS_pwrite64, "write", BY_FILE},
    {SYS_writev, "write", BY_FILE},      {SYS_pwritev, "write", BY_FILE},
    {SYS_copy_file_range, "write", BY_FILE}, {SYS_sendfile, "write", BY_FILE},
    {SYS_pwritev2, "write", BY_FILE},
    {SYS_fsync, "sync", BY_FILE},        {SYS_fdatasync, "sync", BY_FILE},
    {SYS_syncfs, "sync", BY_FILE},       {SYS_sync, "sync", ALL},
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
    {SYS_fchmodat, "mode", PATH_1},      {SYS_mmap, "map", BY_FILE},
};
#define COUNT (sizeof CALLS / sizeof *CALLS)

static FILE *report;
static const char *action, *calls;
static long nth, seen;
static int goes_on, records;
static struct stat output;

static void fail(const char *what) {
    perror(what);
    exit(125);
}

static int is_wanted(const char *kind) {
    size_t length = strlen(kind);
    if (!strcmp(kind, "map")) return records;
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

/* By which number the process has the file open. */
static int file_of(const struct call *call, const struct user_regs_struct *it) {
    return (int)(call->number == SYS_copy_file_range ? it->rdx : call->number == SYS_mmap ? it->r8 : it->rdi);
}

/* Whether the call changes a file, and which. */
static int names_file(pid_t pid, const struct call *call, const struct user_regs_struct *it, char *path) {
    char link[64];
    struct stat stat_of;
    if (call->where == ALL) return *path = 0, 1;
    if (call->number == SYS_mmap && !(it->r10 & MAP_SHARED && it->rdx & PROT_WRITE)) return 0;
    if (call->where != BY_FILE) {
        read_path(pid, call->where == PATH_0 ? it->rdi : it->rsi, path);
        unsigned long flags = call->number == SYS_open ? it->rsi : call->number == SYS_openat ? it->rdx : O_CREAT;
        /* Temporary folders may lie in /dev/shm. */
        int is_device = !strncmp(path, "/dev/", 5) && strncmp(path, "/dev/shm/", 9);
        return flags & (O_CREAT | O_TRUNC) && !is_device && strncmp(path, "/proc/", 6);
    }
    snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, file_of(call, it));
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

/* A call that is being done, with the paths that it names. */
static struct begun {
    pid_t pid;
    const struct call *call;
    char paths[2][PATH_MAX];
} begun[256];

static struct begun *begun_by(pid_t pid) {
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++)
        if (begun[i].pid == pid) return &begun[i];
    return NULL;
}

/* The path at an address of the process, from the root and without links, but for its last part. */
static void resolve(pid_t pid, int folder, unsigned long at, char *out) {
    char said[PATH_MAX], link[64], base[PATH_MAX], path[2 * PATH_MAX], above[PATH_MAX];
    read_path(pid, at, said);
    if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/%d/cwd", pid);
    else snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, folder);
    ssize_t length = *said == '/' ? 0 : readlink(link, base, sizeof base - 1);
    base[length < 0 ? 0 : length] = 0;
    snprintf(path, sizeof path, "%s/%s", base, said);
    for (char *end = path + strlen(path) - 1; end > path && *end == '/'; end--) *end = 0;
    char *name = strrchr(path, '/');
    *name++ = 0;
    if (!realpath(*path ? path : "/", above)) strcpy(above, path);
    snprintf(out, PATH_MAX, "%s/%s", strcmp(above, "/") ? above : "", name);
}

static void resolve_all(pid_t pid, const struct user_regs_struct *it, struct begun *b) {
    switch (b->call->number) {
    case SYS_rename: case SYS_link:
        resolve(pid, AT_FDCWD, it->rdi, b->paths[0]), resolve(pid, AT_FDCWD, it->rsi, b->paths[1]);
        break;
    case SYS_renameat: case SYS_renameat2: case SYS_linkat:
        resolve(pid, (int)it->rdi, it->rsi, b->paths[0]), resolve(pid, (int)it->rdx, it->r10, b->paths[1]);
        break;
    case SYS_symlink:
        read_path(pid, it->rdi, b->paths[0]), resolve(pid, AT_FDCWD, it->rsi, b->paths[1]);
        break;
    case SYS_symlinkat:
        read_path(pid, it->rdi, b->paths[0]), resolve(pid, (int)it->rsi, it->rdx, b->paths[1]);
        break;
    default:
        if (b->call->where == PATH_0) resolve(pid, AT_FDCWD, it->rdi, b->paths[0]);
        if (b->call->where == PATH_1) resolve(pid, (int)it->rdi, it->rsi, b->paths[0]);
    }
}

static void print_node(const char *what, const struct stat *of) {
    fprintf(report, "%s\t%lx:%lx", what, of->st_dev, of->st_ino);
}

/* Has the call done, and what it changes told behind it. */
static void begin_record(pid_t pid, const struct call *call, const struct user_regs_struct *it) {
    struct begun *b = begun_by(pid);
    char link[64];
    struct stat of;
    if (!b && !(b = begun_by(0))) fail("too many processes");
    b->pid = pid, b->call = call;
    resolve_all(pid, it, b);
    if (strcmp(call->kind, "sync")) return;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, (int)it->rdi);
    if (call->number == SYS_fsync || call->number == SYS_fdatasync) {
        if (!stat(link, &of)) print_node("sync", &of), fputc('\n', report);
    } else {
        fputs("syncfs\n", report);
    }
}

/* The bytes that a call wrote, as the file has them now. */
static void record_write(pid_t pid, const struct user_regs_struct *it, const struct call *call, const struct stat *of) {
    int number = file_of(call, it), is_placed = call->number == SYS_pwrite64 || call->number == SYS_pwritev;
    long length = (long)it->rax, offset = (long)it->r10;
    char link[64], line[64];
    if (!is_placed) {
        snprintf(link, sizeof link, "/proc/%d/fdinfo/%d", pid, number);
        FILE *info = fopen(link, "re");
        if (!info || !fgets(line, sizeof line, info)) fail(link);
        fclose(info);
        offset = atol(line + strlen("pos:")) - length;
    }
    snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, number);
    int file = open(link, O_RDONLY | O_CLOEXEC);
    char *bytes = calloc(1, (size_t)length + 1);
    if (file < 0 || !bytes || pread(file, bytes, (size_t)length, offset) != length) fail(link);
    print_node("write", of);
    fprintf(report, "\t%ld\t%ld\n", offset, length);
    fwrite(bytes, 1, (size_t)length, report);
    free(bytes), close(file);
}

static void end_record(pid_t pid) {
    struct user_regs_struct it;
    struct begun *b = begun_by(pid);
    struct stat of = {0};
    char link[64];
    if (!b || ptrace(PTRACE_GETREGS, pid, 0, &it)) return;
    b->pid = 0;
    if ((long)it.rax < 0 && (long)it.rax > -4096) return;
    const char *kind = b->call->kind, *from = b->paths[0], *to = b->paths[1];
    int number = strcmp(kind, "create") ? file_of(b->call, &it) : (int)it.rax;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, number);
    int is_open = b->call->where == BY_FILE || !strcmp(kind, "create");
    if (stat(is_open ? link : from, &of) && is_open) return;
    unsigned long flags = b->call->number == SYS_openat ? it.rdx : b->call->number == SYS_open ? it.rsi : O_TRUNC;
    if (!strcmp(kind, "write")) {
        record_write(pid, &it, b->call, &of);
    } else if (!strcmp(kind, "truncate")) {
        print_node("size", &of), fprintf(report, "\t%ld\n", of.st_size);
    } else if (!strcmp(kind, "mode")) {
        print_node("mode", &of), fprintf(report, "\t%o\n", of.st_mode & 07777);
    } else if (!strcmp(kind, "create") && S_ISREG(of.st_mode)) {
        print_node("create", &of);
        fprintf(report, "\t%o\t%d\t%s\n", of.st_mode & 07777, !!(flags & O_TRUNC), from);
    } else if (!strcmp(kind, "mkdir")) {
        print_node("mkdir", &of), fprintf(report, "\t%o\t%s\n", of.st_mode & 07777, from);
    } else if (!strcmp(kind, "rename")) {
        fprintf(report, "rename\t%s\t%s\n", from, to);
    } else if (!strcmp(kind, "link")) {
        int is_symbolic = b->call->number == SYS_symlink || b->call->number == SYS_symlinkat;
        fprintf(report, "%s\t%s\t%s\n", is_symbolic ? "symlink" : "link", from, to);
    } else if (!strcmp(kind, "unlink")) {
        fprintf(report, "unlink\t%s\n", from);
    } else if (!strcmp(kind, "map")) {
        ssize_t length = readlink(link, b->paths[0], PATH_MAX - 1);
        fprintf(report, "map\t%.*s\n", length < 0 ? 0 : (int)length, from);
    }
}

/* What the command says: a write to the output that it has of us. */
static void record_said(pid_t pid, const struct user_regs_struct *it) {
    char link[64];
    struct stat of;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, (int)it->rdi);
    if (it->orig_rax != SYS_write || stat(link, &of) || of.st_ino != output.st_ino || of.st_dev != output.st_dev)
        return;
    char *bytes = calloc(1, it->rdx + 1);
    struct iovec here = {bytes, it->rdx}, there = {(void *)it->rsi, it->rdx};
    if (!bytes || process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)it->rdx) fail("what it says");
    fprintf(report, "said\t%llu\n", it->rdx);
    fwrite(bytes, 1, it->rdx, report);
    free(bytes);
}

/* How the process is to go on. */
static int at_call(pid_t pid) {
    struct user_regs_struct it;
    char path[PATH_MAX];
    const struct call *call = NULL;
    if (ptrace(PTRACE_GETREGS, pid, 0, &it)) return PTRACE_CONT;
    for (size_t i = 0; i < COUNT && !call; i++)
        if (CALLS[i].number == (int)it.orig_rax) call = &CALLS[i];
    if (records) record_said(pid, &it);
    if (!call || !names_file(pid, call, &it, path)) return PTRACE_CONT;
    if (records) return begin_record(pid, call, &it), PTRACE_SYSCALL;
    seen++;
    fprintf(report, "%s %s\n", call->kind, path);
    if (!strcmp(action, "count") || seen < nth || (seen > nth && !goes_on)) return PTRACE_CONT;
    if (!strcmp(action, "kill")) kill_all();
    if (!strcmp(action, "tear")) tear(pid, &it, call);
    it.orig_rax = (unsigned long)-1;
    it.rax = (unsigned long)-atol(action);
    if (ptrace(PTRACE_SETREGS, pid, 0, &it)) fail("fail");
    return PTRACE_CONT;
}

static int follow(pid_t first) {
    int code = 125, status;
    for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
        if (pid < 0) continue;
        if (WIFEXITED(status) && pid == first) code = WEXITSTATUS(status);
        if (WIFSIGNALED(status) && pid == first) code = 128 + WTERMSIG(status);
        if (!WIFSTOPPED(status)) {
            if (records && pid == first) fprintf(report, "ended\t%d\n", code);
            continue;
        }
        int event = status >> 16, given = WSTOPSIG(status), is_done = given == (SIGTRAP | 0x80);
        int how = event == PTRACE_EVENT_STOP && given != SIGTRAP ? PTRACE_LISTEN : PTRACE_CONT;
        if (event == PTRACE_EVENT_SECCOMP) how = at_call(pid);
        if (is_done) end_record(pid);
        ptrace(how, pid, 0, event || is_done ? 0 : given);
    }
    return code;
}

int main(int count, char **words) {
    int gate[2];
    if (count < 7) return 125;
    report = fopen(words[1], "we");
    if (!report || pipe2(gate, O_CLOEXEC)) fail(words[1]);
    action = words[2], nth = atol(words[3]), goes_on = !strcmp(words[4], "on"), calls = words[5];
    records = !strcmp(action, "record") && !fstat(STDOUT_FILENO, &output);
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
                   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD;
    if (ptrace(PTRACE_SEIZE, first, 0, options)) fail("ptrace");
    close(gate[0]), close(gate[1]);
    int code = follow(first);
    fclose(report);
    return code;
}

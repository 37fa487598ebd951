/* Stands between SQLite and the disk, and fails on demand (LD_PRELOAD).
 *
 * FAULTS_CONTROL names a file of three bytes, mapped here and written by the campaign: what is to
 * become of reads, of writes and of syncs of files that end in .db or -wal. 0: they work;
 * 255: they wait until that changes; anything else: they fail with that errno.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { READS, WRITES, SYNCS, KINDS };
enum { STALLED = 255 };

static volatile unsigned char *control;

__attribute__((constructor)) static void map_control(void)
{
    const char *name = getenv("FAULTS_CONTROL");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, KINDS, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED)
        control = mapped;
    close(fd);
}

static int is_database(int fd)
{
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 4)
        return 0;
    path[length] = 0;
    return !strcmp(path + length - 3, ".db") || !strcmp(path + length - 4, "-wal");
}

/* Whether the call is to fail; errno says how. */
static int fails(int kind, int fd)
{
    if (!control || !control[kind] || !is_database(fd))
        return 0;
    while (control[kind] == STALLED)
        usleep(5000);
    errno = control[kind];
    return errno != 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pread64(int fd, void *to, size_t size, off64_t at)
{
    return fails(READS, fd) ? -1 : REAL(pread64)(fd, to, size, at);
}

ssize_t pread(int fd, void *to, size_t size, off_t at)
{
    return fails(READS, fd) ? -1 : REAL(pread)(fd, to, size, at);
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at)
{
    return fails(WRITES, fd) ? -1 : REAL(pwrite64)(fd, from, size, at);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at)
{
    return fails(WRITES, fd) ? -1 : REAL(pwrite)(fd, from, size, at);
}

int fsync(int fd)
{
    return fails(SYNCS, fd) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    return fails(SYNCS, fd) ? -1 : REAL(fdatasync)(fd);
}

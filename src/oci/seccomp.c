/* seccomp.c — see seccomp.h. */
#include "oci/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "oci/helper.h"

/* share/seccomp.json, made into an object by the build. */
extern const unsigned char seccomp_default_profile[];
extern const unsigned seccomp_default_profile_size;

/* A file of the cache: this, N instructions, the profile. */
struct head {
	char key[96]; /* everything besides the profile that decides what the program is */
	uint32_t n, profile_size, flags, unused;
};

struct bytes_of {
	const void *at;
	size_t n;
};

enum { OUTPUT_MAX = 4 + BPF_MAXINSNS * sizeof(struct sock_filter) };

static void make_key(char key[static 96], uint64_t capabilities)
{
	struct utsname u;

	memset(key, 0, 96);
	uname(&u);
	/* 1: raise it when the compiler makes something else of the same profile. */
	snprintf(key, 96, "seapod seccomp 1 %.16s %.40s %llx", u.machine, u.release,
		 (unsigned long long)capabilities);
}

static void make_name(char name[static 32], const char *key, struct bytes_of profile)
{
	uint64_t hash = hash64_add(hash64_add(HASH64_BEGIN, key, strlen(key)), profile.at, profile.n);

	snprintf(name, 32, "%016llx.bpf", (unsigned long long)hash);
}

static int open_cache(int rootfd, struct error *err)
{
	int r = file_make_dirs(rootfd, "cache/seccomp", 0700, err);

	return r < 0 ? r : file_open_dir(rootfd, "cache/seccomp", 0, err);
}

static bool is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && (st->st_mode & 022) == 0;
}

/* F from a file's image in memory, which it takes; false if it is of something else. */
static bool use(struct seccomp_filter *f, void *mapping, size_t size, const char *key,
		struct bytes_of profile)
{
	const struct head *h = mapping;

	if (size < sizeof(*h) || memcmp(h->key, key, sizeof(h->key)) != 0 || h->n == 0 ||
	    h->n > BPF_MAXINSNS || h->profile_size != profile.n ||
	    size != sizeof(*h) + h->n * sizeof(struct sock_filter) + profile.n)
		return false;
	const char *program = (const char *)(h + 1), *text = program + h->n * sizeof(struct sock_filter);
	if (memcmp(text, profile.at, profile.n) != 0)
		return false;
	*f = (struct seccomp_filter){
		.filter = { .at = program, .n = (unsigned short)h->n, .flags = h->flags },
		.mapping = mapping,
		.size = size
	};
	return true;
}

static bool find(int cache, const char *name, const char *key, struct bytes_of profile,
		 struct seccomp_filter *f)
{
	_cleanup_close_ int fd = openat(cache, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !is_ours(&st) || st.st_size == 0)
		return false;
	void *mapping = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapping == MAP_FAILED)
		return false;
	if (use(f, mapping, (size_t)st.st_size, key, profile))
		return true;
	munmap(mapping, (size_t)st.st_size);
	return false;
}

/* The bytes as a file, for the worker to read: the same bytes, whatever becomes of the profile's file. */
static int as_file(struct bytes_of profile, struct error *err)
{
	int fd = memfd_create("profile", MFD_CLOEXEC);

	if (fd >= 0 && write_all(fd, profile.at, profile.n) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	error_errno(err, "cannot hand over the seccomp profile");
	if (fd >= 0)
		close(fd);
	return -err->code;
}

static int spawn(int in, int out, uint64_t capabilities, pid_t *pid, struct error *err)
{
	char mask[24], *argv[] = { (char *)"seapod-seccomp", mask, NULL }, *envp[] = { NULL };

	snprintf(mask, sizeof(mask), "%llx", (unsigned long long)capabilities);
	return helper_spawn(argv, envp, in, out, pid, err);
}

/* Runs the worker to its end; what it printed is *OUT (free(3) it). */
static int run_worker(struct bytes_of profile, uint64_t capabilities, char **out, size_t *n,
		      struct error *err)
{
	_cleanup_close_ int in = as_file(profile, err);
	int pair[2], status = 0;
	pid_t pid;

	if (in < 0)
		return in;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	_cleanup_close_ int from = pair[0], to = pair[1];
	int r = spawn(in, to, capabilities, &pid, err);
	if (r < 0)
		return r;
	close_fd(&to);
	r = file_read_fd(from, "the compiled filter", OUTPUT_MAX, out, n, err);
	close_fd(&from);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return r;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return error_set(err, EINVAL, "%s", *out);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || *n <= 4 ||
	    (*n - 4) % sizeof(struct sock_filter) != 0)
		return error_set(err, EIO, "the compiler of seccomp profiles failed");
	return 0;
}

/* Compiles and keeps the result; a cache that cannot be written (a full disk) costs time only. */
static int make(int cache, const char *name, const char *key, struct bytes_of profile, uint64_t capabilities,
		struct seccomp_filter *f, struct error *err)
{
	_cleanup_free_ char *out = NULL;
	size_t n;

	int r = run_worker(profile, capabilities, &out, &n, err);
	if (r < 0)
		return r;
	size_t program = n - 4, size = sizeof(struct head) + program + profile.n;
	struct head *h = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (h == MAP_FAILED)
		return error_errno(err, "cannot keep the compiled filter");
	memcpy(h->key, key, sizeof(h->key));
	memcpy(&h->flags, out, sizeof(h->flags));
	h->n = (uint32_t)(program / sizeof(struct sock_filter));
	h->profile_size = (uint32_t)profile.n;
	memcpy(h + 1, out + 4, program);
	memcpy((char *)(h + 1) + program, profile.at, profile.n);
	file_write_atomic(cache, name, h, size, 0600, NULL);
	if (use(f, h, size, key, profile))
		return 0;
	munmap(h, size);
	return error_set(err, E2BIG, "the compiled filter is too large");
}

static int get(int rootfd, struct bytes_of profile, uint64_t capabilities, struct seccomp_filter *f,
	       struct error *err)
{
	char key[96], name[32];
	_cleanup_close_ int cache = open_cache(rootfd, err);

	if (cache < 0)
		return cache;
	make_key(key, capabilities);
	make_name(name, key, profile);
	return find(cache, name, key, profile, f) ? 0 : make(cache, name, key, profile, capabilities, f, err);
}

int seccomp_filter_get(const struct instance *in, const char *path, uint64_t capabilities,
		       struct seccomp_filter *f, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	*f = (struct seccomp_filter){};
	if (!path)
		return get(in->rootfd,
			   (struct bytes_of){ seccomp_default_profile, seccomp_default_profile_size },
			   capabilities, f, err);
	int r = file_read(AT_FDCWD, path, SECCOMP_PROFILE_MAX, &text, &size, err);
	if (r == 0)
		r = get(in->rootfd, (struct bytes_of){ text, size }, capabilities, f, err);
	if (r == 0 && f->filter.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) {
		seccomp_filter_release(f);
		r = error_set(err, EOPNOTSUPP, "SCMP_ACT_NOTIFY asks an agent, and a pod has none");
	}
	return r < 0 ? error_prefix(err, "the seccomp profile '%s'", path) : 0;
}

int seccomp_filter_from(int rootfd, const char *text, size_t size, uint64_t capabilities,
			struct seccomp_filter *f, struct error *err)
{
	*f = (struct seccomp_filter){};
	return get(rootfd, (struct bytes_of){ text, size }, capabilities, f, err);
}

void seccomp_filter_release(struct seccomp_filter *f)
{
	if (f->mapping)
		munmap(f->mapping, f->size);
	*f = (struct seccomp_filter){};
}

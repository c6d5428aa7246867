/*
 * Network namespaces joined by a switch that can be told to misbehave.
 *
 *   netswitch N      makes the namespaces 1 .. N and says "ready FD1 .. FDN" on standard output
 *
 * /proc/<pid of netswitch>/fd/<FDi> is namespace i, for setns or nsenter. In it are loopback and a
 * TUN device with the address 10.77.0.i/24, whose other end is held here: every packet from one
 * namespace to another passes through the loop below, which drops it, or keeps it for a while, or
 * hands it on.
 *
 * Each line of standard input is a rule, answered with "ok" when it holds:
 *
 *   FROM TO LOSS DELAY      of the packets from FROM to TO, LOSS in a thousand vanish, and the
 * others arrive DELAY milliseconds late
 *
 * At the end of its input the program ends; the namespaces go with the last process in them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ENDS = 32, MTU = 1500, QUEUE = 10000 };

struct packet {
    struct packet *next;
    uint64_t due_us;
    size_t len;
    char bytes[MTU];
};

/* What becomes of packets from one end to another. Those that wait are in the order of their
 * arrival. */
struct path {
    unsigned loss, delay_ms;
    struct packet *first, **last;
};

static int n_ends;
static int tun[MAX_ENDS];
static struct path paths[MAX_ENDS][MAX_ENDS];

static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "netswitch: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- namespaces --------------------------------------------------------------------------- */

static void bring_up(int sock, const char *device)
{
    struct ifreq r = {.ifr_flags = IFF_UP | IFF_RUNNING};
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", device);
    check(ioctl(sock, SIOCSIFFLAGS, &r) == 0, device);
}

static void set_address(int sock, const char *device, int end)
{
    struct ifreq r = {0};
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", device);
    struct sockaddr_in *a = (struct sockaddr_in *)(void *)&r.ifr_addr;
    *a = (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(0x0a4d0000u + (unsigned)end)};
    check(ioctl(sock, SIOCSIFADDR, &r) == 0, "address");
    a->sin_addr.s_addr = htonl(0xffffff00);
    check(ioctl(sock, SIOCSIFNETMASK, &r) == 0, "netmask");
    r.ifr_mtu = MTU;
    check(ioctl(sock, SIOCSIFMTU, &r) == 0, "mtu");
    r.ifr_qlen = QUEUE;
    ioctl(sock, SIOCSIFTXQLEN, &r); /* only the machine's root may; it loses less then */
}

/* This process is in the new namespace afterwards. Returns the namespace's descriptor. */
static int make_end(int end)
{
    check(unshare(CLONE_NEWNET) == 0, "a network namespace (this needs root)");
    int ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    check(ns >= 0, "/proc/thread-self/ns/net");
    tun[end] = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    check(tun[end] >= 0, "/dev/net/tun");
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "net0"};
    check(ioctl(tun[end], TUNSETIFF, &r) == 0, "a TUN device");
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(sock >= 0, "socket");
    set_address(sock, "net0", end);
    bring_up(sock, "net0");
    bring_up(sock, "lo");
    close(sock);
    return ns;
}

/* ---- packets ------------------------------------------------------------------------------ */

/* A device whose queue is full loses the packet, as a real one does. */
static void deliver(int to, const char *bytes, size_t len)
{
    ssize_t n = write(tun[to], bytes, len);
    (void)n;
}

static void keep(struct path *p, const char *bytes, size_t len)
{
    struct packet *k = malloc(sizeof(*k));
    check(k != NULL, "memory");
    *k = (struct packet){.due_us = now_us() + p->delay_ms * 1000ull, .len = len};
    memcpy(k->bytes, bytes, len);
    *p->last = k;
    p->last = &k->next;
}

static void route(int from, const char *bytes, size_t len)
{
    uint32_t address;
    if (len < 20 || (bytes[0] & 0xf0) != 0x40)
        return; /* IPv6 announces itself on every device; nobody here speaks it */
    memcpy(&address, bytes + 16, sizeof(address));
    uint32_t to = ntohl(address) - 0x0a4d0000u;
    if (to < 1 || to > (uint32_t)n_ends)
        return;
    struct path *p = &paths[from][to];
    if (p->loss && (unsigned)(random() % 1000) < p->loss)
        return;
    if (p->delay_ms || p->first) /* a path whose delay was taken away still keeps the order */
        keep(p, bytes, len);
    else
        deliver((int)to, bytes, len);
}

static void read_all(int from)
{
    char bytes[MTU];
    for (int i = 0; i < 64; i++) { /* then the others have their turn */
        ssize_t n = read(tun[from], bytes, sizeof(bytes));
        if (n <= 0)
            return;
        route(from, bytes, (size_t)n);
    }
}

/* Delivers what is due on a path; returns when the next is, or `wake`. */
static uint64_t deliver_due(int from, int to, uint64_t now, uint64_t wake)
{
    struct path *p = &paths[from][to];
    while (p->first && p->first->due_us <= now) {
        struct packet *k = p->first;
        p->first = k->next;
        if (!p->first)
            p->last = &p->first;
        deliver(to, k->bytes, k->len);
        free(k);
    }
    return p->first && p->first->due_us < wake ? p->first->due_us : wake;
}

static int next_timeout_ms(void)
{
    uint64_t now = now_us(), wake = now + 1000000;
    for (int from = 1; from <= n_ends; from++)
        for (int to = 1; to <= n_ends; to++)
            wake = deliver_due(from, to, now, wake);
    return (int)((wake - now + 999) / 1000);
}

/* ---- rules -------------------------------------------------------------------------------- */

static void obey(void)
{
    char line[128];
    int from, to;
    unsigned loss, delay_ms;
    if (!fgets(line, sizeof(line), stdin))
        exit(0);
    bool good = sscanf(line, "%d %d %u %u", &from, &to, &loss, &delay_ms) == 4 && from >= 1 &&
                from <= n_ends && to >= 1 && to <= n_ends;
    if (good) {
        paths[from][to].loss = loss;
        paths[from][to].delay_ms = delay_ms;
    }
    printf(good ? "ok\n" : "not understood\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    n_ends = argc == 2 ? atoi(argv[1]) : 0;
    if (n_ends < 1 || n_ends >= MAX_ENDS) {
        fprintf(stderr, "usage: netswitch N (up to %d)\n", MAX_ENDS - 1);
        return 2;
    }
    struct pollfd fds[MAX_ENDS];
    setpriority(PRIO_PROCESS, 0, -10); /* on a busy machine the network is not what is slow */
    setvbuf(stdin, NULL, _IONBF, 0);   /* poll sees what fgets has left */
    printf("ready");
    for (int i = 1; i <= n_ends; i++) {
        printf(" %d", make_end(i));
        fds[i] = (struct pollfd){.fd = tun[i], .events = POLLIN};
        for (int to = 1; to <= n_ends; to++)
            paths[i][to].last = &paths[i][to].first;
    }
    printf("\n");
    fflush(stdout);
    fds[0] = (struct pollfd){.fd = 0, .events = POLLIN};
    for (;;) {
        if (poll(fds, (nfds_t)n_ends + 1, next_timeout_ms()) <= 0)
            continue;
        if (fds[0].revents)
            obey();
        for (int i = 1; i <= n_ends; i++)
            if (fds[i].revents & POLLIN)
                read_all(i);
    }
}

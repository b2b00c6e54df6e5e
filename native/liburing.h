/*
 * The header that jextract reads (native/README.md has the command line). It includes liburing's own
 * header, and below are the names that IronCache takes from it; generate-bindings lists the same names as
 * --include options, so the generated classes stay small.
 *
 * Functions. Those that do anything beyond a system call are inline functions of the header, which a
 * foreign linker cannot call; and filling a submission entry through a call would cost more than the
 * stores themselves. So only the three doors to the kernel are bound, and Ring writes entries, reads
 * completions and advances heads and tails itself (SqeLayout, CqeLayout, Ring):
 *
 *   io_uring_setup      makes a ring
 *   io_uring_enter2     submits and waits; its extended argument carries the timeout
 *   io_uring_register   buffers, files, buffer rings, the ring's own descriptor
 *
 * Structures. Their offsets are what SqeLayout and the other layout classes are tested against:
 *
 *   io_uring_params, io_sqring_offsets, io_cqring_offsets      setup
 *   io_uring_sqe, io_uring_cqe                                 entries
 *   io_uring_buf, io_uring_buf_reg                             provided buffers
 *   io_uring_rsrc_register, io_uring_rsrc_update2              sparse buffers and files
 *   io_uring_getevents_arg, __kernel_timespec                  waiting
 *
 * Constants: operations (IORING_OP_*), setup, enter, register and feature flags.
 */
#include <liburing.h>

/* Of kernels younger than the packaged header. The ring asks for them and does without where refused. */
#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif
#ifndef IORING_ENTER_NO_IOWAIT
#define IORING_ENTER_NO_IOWAIT (1U << 7)
#endif
#ifndef IORING_FEAT_NO_IOWAIT
#define IORING_FEAT_NO_IOWAIT (1U << 17)
#endif
#ifndef IORING_FEAT_MIN_TIMEOUT
#define IORING_FEAT_MIN_TIMEOUT (1U << 15)
#endif

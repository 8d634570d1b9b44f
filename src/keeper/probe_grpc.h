/* probe_grpc.h — asks the gRPC health protocol over a connection (github.com/grpc/grpc doc/health-checking.md, PROTOCOL-HTTP2.md).
 */
#pragma once

#include <stdbool.h>

/* True if SERVICE ("": the server as a whole) is SERVING, says the server behind FD (a blocking socket), whose authority is HOST. Else WHY says
 * what it is instead. */
bool grpc_is_serving(int fd, const char *host, const char *service, char why[static 256]);

/* names.h — what Kubernetes lets one call things (apimachinery util/validation, RFC 1123).
 *
 * Each function returns NULL if TEXT is right, else what is wrong with it, as the end of a sentence that begins with the text
 * in quotes. They fit `check` of a field table.
 */
#pragma once

#include <stdbool.h>

const char *name_dns_label(const char *text);     /* "web-1": a container, a namespace, a volume */
const char *name_dns_subdomain(const char *text); /* "web.example": a pod, a ConfigMap */
const char *name_port(const char *text);          /* "http": IANA service name, at most 15 characters */
const char *name_env(const char *text);           /* printable ASCII but '=' (KEP-4369) */
const char *name_env_prefix(const char *text);    /* the same, or nothing */
const char *
name_qualified(const char *text); /* "example.com/role": keys of labels, annotations, conditions */
const char *name_label_value(const char *text);
const char *name_config_key(const char *text); /* a key of a ConfigMap or Secret */
const char *path_absolute(const char *text);
const char *path_mount(const char *text);    /* a mountPath: absolute, without ':' */
const char *path_relative(const char *text); /* a path in a volume: relative, without ".." */
const char *name_resource(const char *text); /* "cpu", "memory", "hugepages-2Mi", "example.com/device" */
const char *name_resource_field(const char *text); /* "limits.cpu", "requests.hugepages-2Mi" */
const char *name_signal(const char *text);         /* "SIGTERM", "SIGRTMIN+3" */
const char *name_http_header(const char *text);
const char *text_http_header(const char *text); /* the value of one */
const char *ip_address(const char *text);

/* True if a part of PATH is "..". */
bool path_with_dots(const char *path);

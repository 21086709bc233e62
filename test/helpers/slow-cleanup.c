/* An addon whose clean-up takes turns of the event loop when node ends its environment: napi_add_async_cleanup_hook. It
 * declares what it uses, because node's headers may be missing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_hook__ *napi_hook;

int napi_add_async_cleanup_hook(napi_env, void (*)(napi_hook, void *), void *, napi_hook *);
int napi_remove_async_cleanup_hook(napi_hook);
void *uv_default_loop(void);
int uv_timer_init(void *, void *);
int uv_timer_start(void *, void (*)(void *), uint64_t, uint64_t);
void uv_close(void *, void (*)(void *));

static napi_hook hook;

static void on_closed(void *timer) {
  free(timer);
  napi_remove_async_cleanup_hook(hook);
}

static void on_timeout(void *timer) { uv_close(timer, on_closed); }

static void on_cleanup(napi_hook own, void *unused) {
  (void)unused;
  hook = own;
  void *timer = calloc(1, 4096);
  uv_timer_init(uv_default_loop(), timer);
  uv_timer_start(timer, on_timeout, 50, 0);
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_add_async_cleanup_hook(env, on_cleanup, NULL, NULL);
  return exports;
}

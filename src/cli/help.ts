const HELP = `aether, the command of Aether Edge

  aether dev             run a gateway on this machine, for development
  aether worker          do tasks; "aether worker --help" says how
  aether expose <name> <url>   make a local HTTP server a service; "aether expose --help" says how
  aether curl sv::<name>/path  ask a service
  aether backup <file>   copy a store into a new file, also while a gateway runs on it
  aether version         say which version this is
  aether help            say this

Flags of "aether dev":
  --port <number>   port to open; 8787 or the next free one by default, 0 takes any
  --host <address>  loopback address to listen on; 127.0.0.1 by default
  --store <file>    file to keep everything in; .aether/aether.db by default, "memory" keeps nothing
  --ingress <names> services to show at /s/<name>/ of its HTTP address, with commas between; none by default
  --demo <folder>   let a pool of workers count the words of the *.txt and *.md files in a folder
  --once            exit when the demo has finished
  --json            print events as JSON, one a line

Flags of "aether backup":
  --store <path>    the store to copy; .aether/aether.db by default
  --json            print an event as JSON
`;

const WORKER_HELP = `aether worker <module> [flags]: does the tasks that a module exports

  aether worker ./tasks.ts --address ws://127.0.0.1:8787 --workspace prod --implementation image --processes 2 --slots 8

Where:
  --address <url>          the gateway; AETHER_URL or ws://127.0.0.1:8787 when left out
  --workspace <name>       the workspace; AETHER_WORKSPACE when left out
  --implementation <name>  the pool; that of the tasks, when they agree on one
  --token <token>          lets it in, as --api-key <key> does; AETHER_TOKEN or AETHER_API_KEY when left out
  --tenant <id>            the tenant; AETHER_TENANT when left out

How:
  --processes <n>          isolates; 1 by default
  --slots <n>              tasks at a time in each; 1 by default
  --isolate <how>          thread (default), process or none
  --isolate-arg <arg>      handed to every process isolate, such as --isolate-arg=--allow-net=example.com
  --memory-mb <n>          memory of an isolate; beyond it, it is replaced
  --watch                  replace the isolates when a file beside or below the module changes

When it ends (SIGTERM and Ctrl-C let what runs finish; a second one ends it at once):
  --idle-exit <time>       after so long without anything to do, such as 30s
  --drain-ms <ms>          how long tasks may finish before they are handed back; 10000 by default
  --grace-ms <ms>          how long a task that was told to stop may take; 5000 by default
  --reconnect-ms <ms>      how long its tasks wait for it when the connection breaks; 0 by default

  --json                   print events as JSON, one a line

Exit codes: 0 stopped, 1 failed, 2 wrong usage, 3 not let in, 130 stopped by Ctrl-C

On Deno, with no more permissions than it needs (threads; the tasks' own come on top):
  deno run --allow-net=127.0.0.1:8787 --allow-read=. --allow-env=AETHER_URL,AETHER_TOKEN,AETHER_WORKSPACE \\
    src/worker/main.ts ./tasks.ts --workspace prod
Process isolates also need --allow-run and --allow-env.
`;

const HTTP_HELP = `aether expose <name> <url>: a local HTTP server becomes the service sv::<name>, its WebSockets too

  aether expose web http://127.0.0.1:3000
  aether curl sv::web/index.html

Flags of "aether expose":
  --specifier <text>  the instance; its process id by default. Several share the requests to sv::<name>

Flags of "aether curl":
  -X, --request <method>  GET, or POST with --data, when left out
  -H, --header <line>     a header, as 'accept: text/plain'; may be said again
  -d, --data <text>       the body
  -i, --include           show the head of the answer too
  -f, --fail              exit with 22 when the answer is 400 or above
  --workspace <name>      where it asks from; AETHER_WORKSPACE or "default" when left out
  --backend <name>        which of its backends the service should use
  --max-time <seconds>    how long to wait for the answer to begin; 30 by default

Both:
  --address <url>  the gateway; AETHER_URL or ws://127.0.0.1:8787 when left out
  --token <token>  lets it in, as --api-key <key> does; AETHER_TOKEN or AETHER_API_KEY when left out
  --tenant <id>    the tenant; AETHER_TENANT when left out
  --json           print events as JSON, one a line

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not let in, 22 see --fail, 130 stopped by Ctrl-C
`;

/** What "aether help", and "--help" behind a command, say. */
export const HELPS = { all: HELP, worker: WORKER_HELP, http: HTTP_HELP };

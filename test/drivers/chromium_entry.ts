import { runCases } from "../harness.ts";
import { clientSuites } from "../suites/all.ts";

const gatewayUrl = new URL(location.href).searchParams.get("gateway") ?? undefined;
const body = JSON.stringify(await runCases(clientSuites, { runtime: "chromium", gatewayUrl }));
await fetch("/results", { method: "POST", body });

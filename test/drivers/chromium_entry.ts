import { runCases } from "../harness.ts";
import { clientSuites } from "../suites/all.ts";

const { gateway: gatewayUrl, control: controlUrl } = Object.fromEntries(new URL(location.href).searchParams);
const body = JSON.stringify(await runCases(clientSuites, { runtime: "chromium", gatewayUrl, controlUrl }));
await fetch("/results", { method: "POST", body });

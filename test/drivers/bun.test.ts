import { suites } from "../suites/served.ts";
import { storeSuites } from "../suites/stores.ts";
import { bind } from "./bind.ts";

bind([...suites, ...storeSuites], { runtime: "bun" });

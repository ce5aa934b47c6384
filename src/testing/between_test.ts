import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "../errors.ts";
import { type Between, testFabric } from "./mod.ts";

test("what is between clients and gateway is dialled, and closed when its gateway is closed or killed", async () => {
  const told: string[] = [];
  let count = 0;
  const between: Between = {
    open(gateway) {
      const name = `way ${++count}`;
      return Promise.resolve({
        dial: (carry) => (told.push(`${name} dialled`), gateway.dial(carry)),
        close: () => Promise.resolve(void told.push(`${name} closed`)),
      });
    },
    settle: () => new Promise((resolve) => setTimeout(resolve, 1)),
  };
  {
    await using fabric = await testFabric({ between });
    const agent = fabric.agent();
    await agent.connect();
    fabric.faults.killGateway();
    await fabric.faults.restartGateway();
    await fabric.advance("5s");
    assert.equal(agent.connected, true);
    await fabric.faults.restartGateway();
    await fabric.advance("5s");
    assert.equal(fabric.gateway.sessions().length, 1);
  }
  assert.deepEqual(told, [
    "way 1 dialled",
    "way 1 closed",
    "way 2 dialled",
    "way 2 closed",
    "way 3 dialled",
    "way 3 closed",
  ]);
});

test("what cannot be put between is refused at once", async () => {
  for (const between of [{}, { open: () => {} }, { settle: () => {} }]) {
    await assert.rejects(testFabric({ between: between as never }), InvalidArgumentError);
  }
});

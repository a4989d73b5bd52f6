// The checks of a client that knows tasks, and whose person answers a task's questions with the name Ada.

import { INVALID_PARAMS, expect, expectRefusal } from './checks.mjs';
import { accept } from './asking.mjs';

const CONCURRENT_TASKS = 10;

export const CHECKS = {
  async gets_a_task_and_then_its_result(client) {
    const task = await client.startTask('long_task', { steps: 3, ms: 20 });
    const status = await client.taskStatus(task);
    expect(['working', 'completed'].includes(status), 'tasks/get at once', 'working, or completed already', status);
    const text = await client.taskText(task);
    expect(text === '3 steps taken', "the task's result", '3 steps taken', text);
    const end = await client.taskStatus(task);
    expect(end === 'completed', 'tasks/get at the end', 'completed', end);
  },

  async answers_a_tasks_question(client) {
    client.person.will(accept({ name: 'Ada' }));
    const text = await client.taskText(await client.startTask('ask_in_task', {}));
    expect(text === 'Hello, Ada!', "the task's result", 'a greeting with the name', text);
  },

  async keeps_concurrent_tasks_apart(client) {
    const sizes = Array.from({ length: CONCURRENT_TASKS }, (_, n) => n + 1);
    const tasks = await Promise.all(sizes.map((steps) => client.startTask('long_task', { steps, ms: 5 })));
    expect(new Set(tasks).size === CONCURRENT_TASKS, 'concurrent tasks', 'an id for each', tasks);
    const texts = await Promise.all(tasks.map((task) => client.taskText(task)));
    const expected = sizes.map((steps) => `${steps} steps taken`);
    expect(`${texts}` === `${expected}`, 'concurrent tasks', 'each its own result', texts);
  },

  async cancels_a_task(client) {
    const task = await client.startTask('long_task', { steps: 10_000, ms: 100 });
    await client.cancelTask(task);
    const status = await client.taskStatus(task);
    expect(status === 'cancelled', 'tasks/get after tasks/cancel', 'cancelled', status);
  },

  async knows_no_foreign_task(client) {
    await expectRefusal("tasks/get of nobody's id", INVALID_PARAMS, client.taskStatus("nobody's"));
  },
};

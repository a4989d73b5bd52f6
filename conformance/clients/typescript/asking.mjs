// The checks of a client that answers: in place of its person, of its model, and with its folders.

import { INVALID_PARAMS, expect, expectRefusal, isText } from './checks.mjs';

const CONCURRENT_QUESTIONS = 20;
const PAGE = 'https://example.org/sign-in?for=a%20friend';

/** Answers as a check told it to, and remembers what it was asked. */
export class Person {
  roots = ['file:///home/ada/first', 'file:///home/ada/second%20folder'];
  answers = [];
  asked = [];

  /** What comes next: results of elicitation/create. */
  will(...answers) {
    this.answers = answers;
    this.asked = [];
  }

  /** A form is remembered with its fields, a page with its address. */
  elicit({ message, mode = 'form', url, requestedSchema }) {
    this.asked.push({ message, about: mode === 'url' ? [url] : Object.keys(requestedSchema.properties) });
    return this.answers.shift();
  }

  /** What the model says. */
  sample(prompt) {
    return `${prompt} 日本語 "quoted"`;
  }
}

export const accept = (content) => ({ action: 'accept', content });

export const CHECKS = {
  async fills_in_a_form(client) {
    client.person.will(accept({ name: 'Ada 🚀' }));
    const answer = await client.call('ask', {});
    expect(isText(answer, 'Hello, Ada 🚀!'), 'ask, accepted', 'a greeting with the name', answer);
    const [{ message, about }, ...more] = client.person.asked;
    const once = message === 'What is your name?' && `${about}` === 'name' && more.length === 0;
    expect(once, 'ask, accepted', 'one question with one field', client.person.asked);
  },

  async declines_and_cancels_a_form(client) {
    for (const action of ['decline', 'cancel']) {
      client.person.will({ action });
      const answer = await client.call('ask', {});
      expect(isText(answer, 'Hello, whoever you are!'), `ask, ${action}`, 'a greeting without a name', answer);
    }
  },

  async is_refused_what_does_not_fit_the_form(client) {
    client.person.will(accept({ name: '' }));
    if (client.modern) {
      await expectRefusal('ask, an empty name', INVALID_PARAMS, client.call('ask', {}));
    } else {
      const answer = await client.call('ask', {});
      expect(answer.isError && answer.text.includes('name'), 'ask, an empty name', 'isError with the field', answer);
    }
  },

  async answers_one_question_after_the_other(client) {
    const before = Number((await client.call('counter', {})).text);
    client.person.will(accept({ name: 'Ada' }), accept({ colour: 'green' }));
    const answer = await client.call('ask_twice', {});
    const expected = `Ada likes Green; visit ${before + 1}`;
    expect(isText(answer, expected), 'ask_twice', `${expected}, counted once`, answer);
    const asked = client.person.asked.map(({ message }) => message).join(' ');
    const questions = 'What is your name? Ada, which colour do you like?';
    expect(asked === questions, 'ask_twice', 'each question once', asked);
  },

  async says_no_to_the_second_question(client) {
    client.person.will(accept({ name: 'Ada' }), { action: 'decline' });
    const answer = await client.call('ask_twice', {});
    const holds = answer.isError && answer.text === 'no colour, no answer';
    expect(holds, 'ask_twice, declined', "isError with the tool's text", answer);
  },

  async keeps_concurrent_questions_apart(client) {
    const people = Array.from({ length: CONCURRENT_QUESTIONS }, (_, n) => `person ${n}`);
    client.person.will(...people.map((name) => accept({ name })));
    const answers = await Promise.all(people.map(() => client.call('ask', {})));
    const texts = answers.map(({ text }) => text).sort();
    const expected = people.map((name) => `Hello, ${name}!`).sort();
    expect(`${texts}` === `${expected}`, 'concurrent ask', 'each name in one greeting', texts);
  },

  async goes_to_a_page(client) {
    for (const [action, said] of [['accept', 'accepted'], ['decline', 'declined'], ['cancel', 'cancelled']]) {
      client.person.will({ action });
      const answer = await client.call('ask_page', { url: PAGE });
      expect(isText(answer, said), `ask_page, ${action}`, said, answer);
      const [{ about }] = client.person.asked;
      expect(`${about}` === PAGE, `ask_page, ${action}`, "the page's own address", about);
    }
  },

  async answers_with_its_model(client) {
    const answer = await client.call('sample_text', { prompt: 'Say hello.' });
    expect(isText(answer, client.person.sample('Say hello.')), 'sample_text', 'what the model said', answer);
  },

  async shows_its_roots(client) {
    const answer = await client.call('show_roots', {});
    expect(isText(answer, client.person.roots.join('\n')), 'show_roots', 'the roots, in order', answer);
  },
};

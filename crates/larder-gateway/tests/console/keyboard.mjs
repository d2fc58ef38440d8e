// Everything without a pointer.

import assert from 'node:assert/strict';
import { has, inBrowser, listed, somebody, step, until } from './browser.mjs';

for (const key of ['a', 'b', 'user:1', 'user:2:x', 'user:2:y', 'y', 'z']) await somebody.put(key, `"${key}"`);

await inBrowser(async (page) => {
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  /** What has the focus: its id, or the text of its row. */
  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      return element.id || element.querySelector('.key')?.textContent || element.textContent;
    });
  const stands = (on) => until(async () => (await focused()) === on, `the focus on ${on}`);
  /** Tabs until something has the focus, and sees on the way that the focus can be seen. */
  const tabTo = async (on) => {
    for (let steps = 0; (await focused()) !== on; steps += 1) {
      assert.ok(steps < 60, `${on} cannot be tabbed to`);
      await press('Tab');
      const outline = await page.evaluate(() => {
        const element = document.activeElement;
        const drawn =
          element.type === 'radio' && element.closest('.segments') ? element.nextElementSibling : element;
        return element === document.body ? 'solid' : getComputedStyle(drawn).outlineStyle;
      });
      assert.notEqual(outline, 'none', `no focus to be seen on ${await focused()}`);
    }
  };

  await step('walk', async () => {
    await listed(page, ['a', 'b', 'user:', 'y', 'z']);
    await press('Tab');
    await stands('skip');
    await press('Enter');
    await stands('main');
    await tabTo('a');
    await press('ArrowDown');
    await stands('b');
    await press('End');
    await stands('z');
    await press('ArrowDown');
    await stands('z');
    await press('ArrowUp');
    await stands('y');
    await press('PageUp');
    await stands('a');
    await press('PageDown');
    await stands('z');
    await press('Home');
    await stands('a');
    // One row is on the way of the Tab key, the one that was left.
    await press('ArrowDown', 'Tab', 'Shift+Tab');
    await stands('b');
  });

  await step('folders', async () => {
    await press('ArrowDown', 'Enter');
    await listed(page, ['1', '2:']);
    await stands('1');
    await press('ArrowDown', 'ArrowRight');
    await listed(page, ['x', 'y']);
    await stands('x');
    await press('Backspace');
    await listed(page, ['1', '2:']);
    await stands('2:');
    await press('ArrowLeft');
    await listed(page, ['a', 'b', 'user:', 'y', 'z']);
    await stands('user:');
  });

  await step('entry', async () => {
    await press('End', 'Enter');
    await stands('entry-title');
    await has(page, '#value', '"z"');
    await tabTo('edit');
    await press('Shift+Tab', 'ArrowRight');
    assert.equal(await page.evaluate(() => document.activeElement.value), 'text');
    await press('ArrowRight');
    await has(page, '#value', '22 7a 22');
  });

  await step('edit', async () => {
    await tabTo('edit');
    await press('Enter');
    await stands('draft');
    await press('Control+a');
    await page.keyboard.type('22 79 22');
    await press('Control+Enter');
    await stands('entry-title');
    assert.equal(await somebody.text('z'), '"y"');
  });

  await step('escape', async () => {
    await tabTo('edit');
    await press('Enter');
    await page.keyboard.type('00');
    await press('Escape');
    await stands('ask-no');
    // A no to the question, and what was typed is still there.
    await press('Escape');
    await stands('draft');
    assert.equal(await page.locator('#draft').inputValue(), '22 79 2200');
    await press('Escape');
    await stands('ask-no');
    await press('Tab', 'Enter');
    await stands('entry-title');
    assert.equal(await somebody.text('z'), '"y"');
    await tabTo('lifetime');
    await press('Enter', 'Escape');
    await stands('lifetime');
    await press('Escape');
    // Back at the row that it came from.
    await stands('z');
    assert.ok(await page.locator('#entry').isHidden());
  });

  await step('delete', async () => {
    await press('Enter');
    await stands('entry-title');
    await tabTo('remove');
    await press('Enter');
    await stands('ask-no');
    await press('Tab', 'Enter');
    await has(page, '#status', 'Deleted.');
    assert.equal(await somebody.text('z'), null);
    await listed(page, ['a', 'b', 'user:', 'y']);
    await stands('y');
  });

  await step('create', async () => {
    await page.locator('#main').focus();
    await tabTo('create');
    await press('Enter');
    await stands('new-key');
    await page.keyboard.type('typed');
    await tabTo('draft');
    await page.keyboard.type('true');
    await tabTo('save');
    await press('Enter');
    await stands('entry-title');
    assert.equal(await somebody.text('typed'), 'true');
  });
});

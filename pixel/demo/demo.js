// The demo's buttons.

const on = (selector, act) => {
  for (const button of document.querySelectorAll(selector)) {
    button.addEventListener('click', () => act(button));
  }
};

on('#signup', (button) => {
  headcount('Signup', { props: { plan: 'balcony' } });
  button.textContent = 'Counted';
});

on('#buy', () => {
  headcount('Purchase', { revenue: { amount: 49.9, currency: 'EUR' } });
  location.href = '/thanks';
});

on('[data-path]', (button) => history.pushState(null, '', button.dataset.path));

const shown = () => {
  const line = document.querySelector('#shown');
  if (line) line.textContent = location.pathname == '/docs' ? '' : `This is ${location.pathname} now.`;
};
on('[data-path]', shown);
addEventListener('popstate', shown);

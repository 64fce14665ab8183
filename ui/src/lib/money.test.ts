import { describe, expect, it } from 'vitest';

import { atMost, compareMoney, exact, figure, leftOut, money, nanos, share, sum } from './money';

describe('money', () => {
  it.each([
    [null, 'unknown'],
    ['0', '$0'],
    ['0.000000001', '<$0.0001'],
    ['0.000099999', '<$0.0001'],
    ['0.0001', '$0.0001'],
    ['0.000515', '$0.0005'],
    ['0.0123', '$0.0123'],
    ['0.99995', '$1.00'],
    ['0.99994', '$0.9999'],
    ['12.4', '$12.40'],
    ['1234.56', '$1,234.56'],
    ['1234567.891', '$1,234,567.89'],
    ['-0.00002', '-<$0.0001'],
    ['-3.5', '-$3.50'],
  ])('%s is shown as %s', (amount, shown) => {
    expect(money(amount)).toBe(shown);
  });

  it('halves are rounded to the even neighbour, as the program does', () => {
    expect(money('1.005')).toBe('$1.00');
    expect(money('1.015')).toBe('$1.02');
    expect(money('0.00025')).toBe('$0.0002');
  });

  it('an amount that a float could not hold keeps its last digit', () => {
    expect(exact(nanos('9007199254.740993123'))).toBe('9007199254.740993123');
    expect(sum(['0.1', '0.2'])).toBe('0.3');
  });

  it('what something costs at most is never rounded down', () => {
    expect(atMost('0.00411')).toBe('$0.0042');
    expect(atMost('1.001')).toBe('$1.01');
    expect(atMost('0.0042')).toBe('$0.0042');
    expect(atMost(null)).toBe('unknown');
  });

  it('a sum in which no run has a price is unknown, not nothing', () => {
    expect(figure({ cost: '0', runs: 7, unpriced: 7 })).toBe('unknown');
    expect(figure({ cost: '0', runs: 0, unpriced: 0 })).toBe('$0');
    expect(leftOut({ cost: '1', runs: 9, unpriced: 3 })).toBe('3 runs without a price');
  });

  it('amounts are ordered by size and not by their letters', () => {
    expect(['9', '10', '-1', '0.5'].toSorted(compareMoney)).toEqual(['-1', '0.5', '9', '10']);
  });

  it('a share of nothing is nothing', () => {
    expect(share('1', '0')).toBe(0);
    expect(share('1', '4')).toBe(0.25);
  });

  it('what is not an amount is refused', () => {
    expect(() => nanos('1e3')).toThrow(RangeError);
    expect(() => nanos('1.0000000001')).toThrow(RangeError);
  });
});

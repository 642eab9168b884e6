package main

import (
	"fmt"
	"strings"
)

// The module named large is a tree of packages: main imports the first one, and each imports up to four others.
const (
	packagesOfLarge = 200
	filesOfPackage  = 10
	importsOfOne    = 4
	leafOfLarge     = "p199/f9.go" // its package is imported by one of a chain of five
)

// generate writes the module large, the same each time.
func generate(dir string) error {
	files := map[string]string{
		"go.mod":  "module example.com/large\n\ngo 1.26\n",
		"main.go": "package main\n\nimport \"example.com/large/p000\"\n\nfunc main() { println(p000.Sum(1)) }\n",
	}
	for i := range packagesOfLarge {
		name := packageOfLarge(i)
		files[name+"/sum.go"] = sumFile(i)
		for j := 1; j < filesOfPackage; j++ {
			files[fmt.Sprintf("%s/f%d.go", name, j)] = typeFile(name, i, j)
		}
	}
	for name, text := range files {
		if err := writeFile(dir, name, text); err != nil {
			return err
		}
	}
	return nil
}

func packageOfLarge(i int) string { return fmt.Sprintf("p%03d", i) }

// sumFile is the file of a package that uses all the others, and the packages below.
func sumFile(i int) string {
	var imports, terms strings.Builder
	for j := 1; j < filesOfPackage; j++ {
		fmt.Fprintf(&terms, " + f%d(n)", j)
	}
	for child := importsOfOne*i + 1; child <= importsOfOne*(i+1) && child < packagesOfLarge; child++ {
		fmt.Fprintf(&imports, "import \"example.com/large/%s\"\n", packageOfLarge(child))
		fmt.Fprintf(&terms, " + %s.Sum(n)", packageOfLarge(child))
	}
	return fmt.Sprintf("package %s\n\n%s\nfunc Sum(n int) int { return n%s }\n", packageOfLarge(i), imports.String(), terms.String())
}

// typeFile is one of the others: a type with methods, and a function with a loop and a map.
func typeFile(name string, i, j int) string {
	return strings.NewReplacer("NAME", name, "I", fmt.Sprint(i), "J", fmt.Sprint(j)).Replace(`package NAME

type tJ struct {
	name   string
	counts map[string]int
	list   []int
}

func (t *tJ) add(n int) {
	t.counts[t.name] += n
	t.list = append(t.list, n*I)
}

func (t *tJ) total() (sum int) {
	for _, n := range t.list {
		sum += n
	}
	return sum + t.counts["NAME.J"]
}

func fJ(n int) int {
	t := &tJ{name: "NAME.J", counts: map[string]int{}}
	for k := range n % 7 {
		t.add(k + J)
	}
	return t.total()
}
`)
}
